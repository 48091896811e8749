# SPDX-License-Identifier: AGPL-3.0-only
"""Schemas that other compilers accept and do not enforce."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sentiric_llama.engine.grammar.grammar import Grammar
from sentiric_llama.errors import InvalidGrammar

INTEGER, STRING = {"type": "integer"}, {"type": "string"}
OBJECT = {"type": "object"}


def text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        # The characters of a pattern are those of the value, not of its JSON text.
        ({**STRING, "pattern": '^a"b$'}, ['a"b'], ["ab"]),
        ({**STRING, "pattern": "^.$"}, ['"', "\\", "ş"], ["", "ab", "\n"]),
        ({**STRING, "pattern": "^[^a]$"}, ['"', "\n", "😀"], ["a"]),
        ({**STRING, "pattern": "^[ -~]{2}$"}, ['"\\'], ["\t\t", "ç!"]),
        ({**STRING, "pattern": r"^\\$"}, ["\\"], ["\\\\"]),
        ({**STRING, "pattern": r"^\n$"}, ["\n"], ["n"]),
        ({**STRING, "pattern": "^a+?b$"}, ["ab", "aab"], ["b"]),
        ({**STRING, "pattern": "^a{2}?$"}, ["aa"], ["a", ""]),
        # Classes, places and spellings.
        ({**STRING, "pattern": r"\d"}, ["a1b"], ["ab", "٣"]),
        ({**STRING, "pattern": r"^\w+\s\S$"}, ["ab c"], ["a-b c"]),
        ({**STRING, "pattern": r"\bcat\b"}, ["a cat."], ["concat"]),
        ({**STRING, "pattern": r"^\/$"}, ["/"], ["\\/"]),
        ({**STRING, "pattern": r"^\p{L}+$"}, ["Şehir"], ["Şehir1"]),
        ({**STRING, "pattern": "^[]a]$"}, [], ["]", "a"]),
        # Bounds.
        ({"type": "number", "minimum": 0, "maximum": 1}, [0, 0.5, 1], [5866492.9, -0.5]),
        ({"minimum": 0, "maximum": 1}, [1, "x"], [2]),
        ({**INTEGER, "minimum": 2, "exclusiveMinimum": 2}, [3], [2]),
        ({**INTEGER, "minimum": 100}, [100, 2024], [16, 99]),
        ({**INTEGER, "minimum": 1000}, [1000], [290]),
        ({**INTEGER, "minimum": 2024}, [2024], [1827]),
        ({**INTEGER, "exclusiveMinimum": 99}, [100], [10]),
        ({**INTEGER, "maximum": -5}, [-5, -300], [-4, 0, 5]),
        ({**INTEGER, "multipleOf": 7}, [14, 0], [15]),
        ({"enum": [1, 5, 9], "minimum": 3}, [5, 9], [1]),
        ({**STRING, "pattern": "^a*$", "maxLength": 2}, ["aa"], ["aaa"]),
        ({**STRING, "maxLength": 5000}, ["a" * 5000], ["a" * 5001]),
        ({**STRING, "minLength": 1.0}, ["a"], [""]),
        # Formats.
        ({**STRING, "format": "date"}, ["2024-02-29"], ["2020-02-30", "2023-02-29", "0000-03-32"]),
        ({**STRING, "format": "date", "minLength": 10}, ["2024-01-01"], ["x" * 10]),
        ({**STRING, "format": "email"}, ["a@b.co"], ["a", "a@b@c"]),
        ({**STRING, "format": "ipv4"}, ["127.0.0.1"], ["256.0.0.1"]),
        ({**STRING, "format": "ipv6"}, ["::1"], ["1::2::3"]),
        ({**STRING, "format": "duration"}, ["P1DT2H"], ["1 day"]),
        # Types beside values and references.
        ({"enum": ["a", 1], "type": "string"}, ["a"], [1]),
        ({"$ref": "#/$defs/a", "minimum": 3, "$defs": {"a": INTEGER}}, [3], [2, "a"]),
        # Objects.
        ({**OBJECT, "required": ["a"]}, [{"a": 1}], [{}]),
        ({**OBJECT, "minProperties": 1}, [{"a": 1}], [{}]),
        ({**OBJECT, "propertyNames": {"pattern": "^a"}}, [{"ab": 1}], [{"b": 1}]),
        ({**OBJECT, "patternProperties": {"^a": INTEGER}}, [{"a": 1, "b": ""}], [{"a": ""}]),
        ({**OBJECT, "dependentRequired": {"a": ["b"]}}, [{"a": 1, "b": 2}, {}], [{"a": 1}]),
        ({**OBJECT, "not": {"required": ["a"]}}, [{"b": 1}], [{"a": 1}]),
        ({**OBJECT, "properties": {"": {"const": 5}}, "required": [""]}, [{"": 5}], [5, {}]),
        ({**OBJECT, "additionalProperties": INTEGER}, [{"]a": 1, "\\": 2}], [{"a": ""}]),
        ({**OBJECT, "properties": {f"p{i}": {} for i in range(300)}}, [{"p299": 1}], [1]),
        # Arrays.
        ({"type": "array", "uniqueItems": True, "items": INTEGER}, [[1, 2]], [[1, 1]]),
        ({"type": "array", "contains": {"const": 1}}, [[2, 1]], [[2], []]),
        ({"type": "array", "prefixItems": [STRING], "items": INTEGER, "minItems": 2},
         [["a", 1]], [["a"], ["a", "b"]]),
        ({"type": "array", "maxItems": 5000, "items": {"const": 0}}, [[0] * 5000], [[0] * 5001]),
        ({"type": "array", "items": False}, [[]], [[1]]),
        # Combinations.
        ({"allOf": [STRING, {"maxLength": 3}]}, ["abc"], [{}, "abcd"]),
        ({**INTEGER, "allOf": [{"minimum": 3}], "maximum": 5}, [4], [2, 6]),
        ({"properties": {"a": STRING}, "required": ["a"], "anyOf": [{"required": ["b"]}]},
         [{"a": "", "b": 1}], [{"a": ""}]),
        ({"oneOf": [{"minimum": 2}, {"maximum": 5}], "type": "integer"}, [1, 6], [3]),
        ({"if": {"const": 1}, "then": False, "type": "integer"}, [2], [1]),
        # References and data.
        ({"$defs": {"user_id": INTEGER, "user-id": STRING}, "$ref": "#/$defs/user-id"}, ["a"], [1]),
        ({"default": {"$ref": "http://x/y"}, "type": "null"}, [None], [1]),
        ({"$defs": {"unused": {"$ref": "http://x/y"}}, "type": "null"}, [None], [1]),
        ({"const": 123456789012345678901234567890}, [123456789012345678901234567890],
         [123456789012345678901234567891]),
        ({"const": "a\x7fb"}, ["a\x7fb"], ["ab"]),
    ],
    ids=lambda value: None if isinstance(value, list) else json.dumps(value)[:60],
)  # fmt: skip
def test_what_is_accepted_is_enforced(
    schema: dict[str, Any], valid: list[Any], invalid: list[Any]
) -> None:
    if not valid:
        with pytest.raises(InvalidGrammar, match="no value is valid"):
            Grammar.from_json_schema(schema)
        return
    grammar = Grammar.from_json_schema(schema)
    assert [value for value in valid if not grammar.accepts(text_of(value))] == []
    assert [value for value in invalid if grammar.accepts(text_of(value))] == []
    for seed in range(3):
        json.loads(grammar.sample(seed))


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({**OBJECT}, '{"a":1,"a":2}'),
        ({**OBJECT}, '{"\\}": 2}'),
        ({**OBJECT}, '{"\t": 2}'),
        ({**STRING}, '"\\ud800"'),
        ({"properties": {"a": {}, "b": {}}}, '{"b":1,"a":2}'),  # the order of the schema
    ],
)
def test_what_is_no_text_of_the_schema(schema: dict[str, Any], text: str) -> None:
    assert not Grammar.from_json_schema(schema).accepts(text)


@pytest.mark.parametrize(
    ("schema", "where", "what"),
    [
        ({"properties": {"a": {"pattern": r"(a)\1"}}}, "/properties/a/pattern", "back-reference"),
        ({"pattern": "a(?=b)"}, "/pattern", "look-ahead"),
        ({"format": "idn-email"}, "/format", "idn-email"),
        ({"$ref": "https://example.com/a.json"}, "/$ref", "another document"),
        ({"type": "strin"}, "/type", "allowed"),
        ({"minLength": -1}, "/minLength", "an integer from 0"),
        (
            {"type": "array", "uniqueItems": True},
            "/uniqueItems",
            "null, boolean, number and string",
        ),
        ({"not": {"format": "email"}}, "/not/format", "the format email"),
    ],
)
def test_what_cannot_be_enforced_is_refused_by_name(
    schema: dict[str, Any], where: str, what: str
) -> None:
    with pytest.raises(InvalidGrammar, match=what) as caught:
        Grammar.from_json_schema(schema)
    assert caught.value.where == "json_schema" + (f":{where}" if where else "")
