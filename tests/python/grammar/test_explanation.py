# SPDX-License-Identifier: AGPL-3.0-only
"""What `Grammar.explain` says about a text, in words."""

from __future__ import annotations

from typing import Any

import pytest

from sentiric_llama import Grammar

OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": False}
PERSON = {
    **OBJECT,
    "properties": {"ad": {"type": "string", "maxLength": 20}, "yaş": {"type": "integer"}},
    "required": ["ad"],
}
DOOR = {"type": "object", "properties": {"door": {"enum": ["open", "shut", "şu"]}, "b": {}}}
MANY = {**OBJECT, "properties": {f"p{i}": {} for i in range(8, 18)}, "minProperties": 1}


def why(schema: Any, text: str) -> str:
    """What is said behind the place."""
    return str(Grammar.from_json_schema(schema).explain(text)).partition(": got ")[2]


@pytest.mark.parametrize(
    ("pattern", "text", "said"),
    [
        ("[a-c]", "x", "'x', allowed 'a'-'c'"),
        ("[abx-z]", "q", "'q', allowed 'a', 'b' or 'x'-'z'"),
        ("[İŞ]", "S", "'S', allowed 'İ' or 'Ş'"),
        ("[ \\t\\n\\x01]", "\r", "carriage return, allowed U+0001, tab, line break or space"),
        ("[acegikmoqs]", "b", "'b', allowed 'a', 'c', 'e', 'g', 'i', 'k', 'm', 'o' and 2 more"),
        ("[^]", "", "the end of the text, allowed any character"),
        ('[^"]', '"', "'\"', allowed any character but '\"'"),
        ("[^😀]", "😀", "'😀', allowed any character but '😀'"),
        ("[-^~]", "!", "'!', allowed '-', '^' or '~'"),
        ("a?", "b", "'b', allowed 'a' or the end of the text"),
        ("", "b", "'b', allowed the end of the text"),
    ],
)
def test_characters_are_quoted_or_named(pattern: str, text: str, said: str) -> None:
    assert str(Grammar.from_regex(pattern).explain(text)).endswith(f"got {said}")


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        (PERSON, '{"yas": 3}', "'y', allowed \"ad\""),
        (PERSON, "{}", "'}', allowed \"ad\""),
        (PERSON, '{"ad": "a", "soyad": 1}', "'s', allowed \"yaş\""),
        (PERSON, '{"ad": "a", ', 'the end of the text, allowed "yaş"'),
        (MANY, '{"x', '\'x\', allowed "p8", "p9", "p10", "p11", "p12" and 5 more'),
        (DOOR, '{"door": "opened"}', '\'e\', allowed "open", "shut" or "şu"'),
        (DOOR, '{"door": 1}', '\'1\', allowed "open", "shut" or "şu"'),
        ({"enum": ["a", 1]}, "x", "'x', allowed \"a\" or '1'"),
    ],
)
def test_strings_are_listed_where_they_are_few(schema: Any, text: str, said: str) -> None:
    assert why(schema, text) == said


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        (PERSON, '{  "ad": ""}', "too much white space"),
        (PERSON, '{"ad" : ""}', "no white space may stand here"),
        (PERSON, '{"ad":\r\n""}', "line breaks are \\n alone"),
        (PERSON, '{"ad": "", "ad": ""}', 'the member "ad" is there already'),
        (DOOR, '{"b": 1, "door": "open"}', 'in the order of the schema: "door" before "b"'),
        (MANY, '{"p9": 1, "p8": 1}', 'in the order of the schema: "p8" before "p9"'),
        ({"items": DOOR}, '[{"b": 1, "door": "open"}]', '"door" before "b"'),
        (DOOR, '{"b": 1, "b": 2}', 'the member "b" is there already'),
        (PERSON, '{"yaş": 3}', 'in the order of the schema: "ad" before "yaş"'),
    ],
)
def test_order_and_white_space_are_named(schema: Any, text: str, said: str) -> None:
    assert said in Grammar.from_json_schema(schema).explain(text).hint
    assert said in why(schema, text)


@pytest.mark.parametrize(
    "text", ['{"ad": 1}', '{"ad": "a  ', "[", '{"yas": 3}', "", '{"ad": "a"}x']
)
def test_other_faults_have_no_hint(text: str) -> None:
    assert Grammar.from_json_schema(PERSON).explain(text).hint == ""


def test_a_cut_is_marked() -> None:
    grammar = Grammar.from_regex("a*")
    assert grammar.explain("a" * 40 + "b").before == "a" * 40
    assert grammar.explain("a" * 41 + "b").before == "…" + "a" * 40


def test_long_and_odd_texts_are_explained() -> None:
    grammar = Grammar.from_json_schema({"type": "object", "title": "x"})
    found = grammar.explain('{"a":"' + "\\\\" * 200_000 + '"' + "[" * 1000)
    assert (found.offset, found.got) == (400_007, "[")
    assert Grammar.from_json_schema(True).explain("[" * 1000 + "x").got == "x"
    assert Grammar.from_json_schema(True).explain(b'{"a": \xff').got == "\ufffd"
    assert Grammar.from_gbnf('root ::= "{" [a-z]').explain("{1").allowed == ("'a'-'z'",)
