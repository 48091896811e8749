# SPDX-License-Identifier: AGPL-3.0-only
"""Grammars without a model: what they accept, why not, and which tokens may come."""

from __future__ import annotations

import copy
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sentiric_llama import Grammar, Vocabulary, _host, types
from sentiric_llama.errors import InvalidArgument, InvalidGrammar

PERSON = {
    "type": "object",
    "properties": {"ad": {"type": "string", "maxLength": 20}, "yaş": {"type": "integer"}},
    "required": ["ad"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("grammar", "accepted", "refused"),
    [
        (Grammar.from_json_schema(PERSON), '{"ad": "Ayşe", "yaş": 3}', '{"yaş": 3}'),
        (Grammar.from_json_schema(json.dumps(PERSON)), '{"ad":""}', "{}"),
        (Grammar.from_json_schema(True), "[1]", "[1"),
        (Grammar.from_regex(r"\d{2,}|evet"), "evet", "evet!"),
        (Grammar.from_choice(["evet", "hayır"]), "hayır", "hay"),
        (Grammar.from_gbnf('root ::= "a"+'), "aaa", ""),
        (Grammar.of(types.Grammar("json_object")), "{}", "[]"),
    ],
    ids=lambda value: value.kind if isinstance(value, Grammar) else None,
)
def test_accepts_whole_texts(grammar: Grammar, accepted: str, refused: str) -> None:
    assert grammar.accepts(accepted) and grammar.accepts(accepted.encode())
    assert not grammar.accepts(refused)
    assert grammar.is_prefix(accepted[:-1])
    assert isinstance(grammar, types.Grammar), "a request takes it"
    again = copy.deepcopy(grammar)
    assert again == grammar
    assert again.accepts(accepted)


@pytest.mark.parametrize(
    ("text", "line", "column", "got", "allowed", "can_end"),
    [
        ('{"ad": "a"}', 1, 12, "", (), True),
        ('{"ad": 1}', 1, 8, "1", ("'\"'",), False),
        ('{\n"ad": "a",\n"yaş": x}', 3, 8, "x", None, False),
        ('{"ad": "ç" ]', 1, 12, "]", ("'}'",), False),
        ('{"ad"', 1, 6, "", ("':'",), False),
        ('{"ad": "', 1, 9, "", None, False),
        ('{"ad": "\u015f', 1, 10, "", None, False),
        (b'{"ad": "\xc5', 1, 9, "", None, False),
        (b'{"ad": "\xc5a"}', 1, 9, "\ufffd", None, False),
    ],
)
def test_explains_where_a_text_goes_wrong(
    text: str | bytes,
    line: int,
    column: int,
    got: str,
    allowed: tuple[str, ...] | None,
    can_end: bool,
) -> None:
    found = Grammar.from_json_schema(PERSON).explain(text)
    assert (found.line, found.column, found.got, found.can_end) == (line, column, got, can_end)
    assert allowed is None or found.allowed == allowed
    assert found.accepted == (not got and can_end)
    if not found.accepted:
        assert f"line {line}, column {column}" in str(found)


def test_masks_are_what_may_come_next() -> None:
    tokens = [b"1", b"16", b"160", b"x", b"", b"0", b"1x", "ş".encode()]
    vocabulary = Vocabulary(tokens)
    grammar = Grammar.from_json_schema({"type": "integer", "minimum": 100, "maximum": 199})
    for text in ("", "1", "10", "160"):
        expected = [bool(token) and grammar.is_prefix(text.encode() + token) for token in tokens]
        mask = grammar.mask(vocabulary, text)
        assert mask.dtype == np.bool_ and mask.shape == (len(tokens),)
        assert mask.tolist() == expected
    with pytest.raises(InvalidArgument, match="from byte 1 on"):
        grammar.mask(vocabulary, "1x")


def test_samples_are_accepted_and_repeatable() -> None:
    grammar = Grammar.from_json_schema(PERSON)
    samples = [grammar.sample(seed) for seed in range(20)]
    assert all(map(grammar.accepts, samples)) and len(set(samples)) > 5
    assert samples[3] == grammar.sample(3)


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: Grammar.from_regex("("), "regex"),
        (lambda: Grammar.from_choice([]), "choice"),
        (lambda: Grammar.from_gbnf("root"), "grammar:1"),
        (lambda: Grammar.from_json_schema("{"), "json_schema:1:2"),
        (lambda: Grammar.from_json_schema({"properties": {"a": {"type": 5}}}),
         "json_schema:/properties/a/type"),
        (lambda: Grammar.from_json_schema({"const": float("nan")}), "json_schema:"),
        (lambda: Grammar.from_regex("\ud800"), "regex"),
    ],
)  # fmt: skip
def test_errors_name_the_place(make: Any, where: str) -> None:
    with pytest.raises(InvalidGrammar) as caught:
        make()
    assert caught.value.where.startswith(where)


@pytest.mark.parametrize(
    "make",
    [lambda: Grammar.from_choice("evet"), lambda: Grammar.from_regex(5)],  # type: ignore[arg-type]
)
def test_other_values_are_no_grammars(make: Any) -> None:
    with pytest.raises(InvalidArgument):
        make()


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: Grammar.from_choice(["a", 1]), "choice[1]"),  # type: ignore[list-item]
        (lambda: Grammar.from_json_schema([1]), "json_schema"),  # type: ignore[arg-type]
        (lambda: Grammar.from_json_schema({"anyOf": [{"maximum": float("inf")}]}),
         "json_schema:/anyOf/0/maximum"),
        (lambda: Grammar.from_json_schema({"enum": [1, {2}]}), "json_schema:/enum/1"),
        (lambda: Grammar.from_json_schema({"enum": ["\ud800"]}), "json_schema:/enum/0"),
        (lambda: Grammar.from_json_schema({"\ud800": 1}), "json_schema"),
        (lambda: Grammar.from_json_schema({"properties": {"a/b": {"const": float("nan")}}}),
         "json_schema:/properties/a~1b/const"),
    ],
)  # fmt: skip
def test_errors_name_the_element(make: Any, where: str) -> None:
    with pytest.raises((InvalidArgument, InvalidGrammar)) as caught:
        make()
    assert caught.value.where == where


def test_a_schema_that_contains_itself_is_refused() -> None:
    schema: dict[str, Any] = {"anyOf": []}
    schema["anyOf"] += [schema, schema]
    with pytest.raises(InvalidGrammar, match=r"cannot be written as JSON|deeply"):
        Grammar.from_json_schema(schema)


def test_samples_are_easy_to_read() -> None:
    schema = {"type": "object", "additionalProperties": {"type": ["string", "array", "number"]}}
    grammar = Grammar.from_json_schema(schema)
    samples = [grammar.sample(seed) for seed in range(300)]
    assert all(map(grammar.accepts, samples)) and len(set(samples)) > 100
    assert not any(char in sample for sample in samples for char in "\\\n\t\r\x7f")
    for needs in (r"\n+x", r'"\\"', r"a*\n"):
        forced = Grammar.from_regex(needs)
        assert all(forced.accepts(forced.sample(seed)) for seed in range(20))


def test_every_keyword_of_the_table_has_a_role() -> None:
    """The contract: enforced, a reference, an annotation, or refused by name."""
    from sentiric_llama import _host

    roles = dict(_host.schema_keywords())
    assert set(roles.values()) == {"enforced", "reference", "annotation", "refused"}
    for name, role in roles.items():
        if role == "refused":
            with pytest.raises(InvalidGrammar, match="not supported"):
                Grammar.from_json_schema({name: "#"})
        elif role == "annotation":
            assert Grammar.from_json_schema({name: {"$ref": 5}}).accepts("1")
    assert {"minimum", "pattern", "unevaluatedProperties", "if"} <= roles.keys()


def test_the_constructor_compiles_too() -> None:
    grammar = Grammar("json_schema", '{"type": "integer"}')
    assert grammar.accepts("7") and grammar == Grammar.from_json_schema({"type": "integer"})
    assert replace(grammar, kind="regex", text="a+").accepts("aa")
    assert Grammar("json_object").accepts("{}")
    with pytest.raises(InvalidArgument, match=r"allowed one of .*regex"):
        Grammar("yaml", "")  # type: ignore[arg-type]


def test_threads_may_share_a_matcher() -> None:
    matcher = Grammar.from_json_schema({"type": "array"}).matcher()
    vocabulary = Vocabulary([bytes([byte]) for byte in range(256)])
    assert matcher.advance(b"[") == 1

    def use(_: int) -> None:
        for _ in range(300):
            assert matcher.advance(b"[1,") == 3
            assert matcher.allowed_bytes()
            matcher.mask(vocabulary._native)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(use, range(4)))
    with pytest.raises(TypeError):
        _host.Matcher(None)  # type: ignore[arg-type]
