# SPDX-License-Identifier: AGPL-3.0-only
"""Grammars and schemas made to exhaust a parser: a typed error each, and nobody else notices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine_tools import GREEDY, prompt_tokens, read, seeded
from sentiric_llama.engine.blocking import Engine, Stream
from sentiric_llama.errors import InvalidArgument, InvalidGrammar
from sentiric_llama.types import Grammar


def chain(rules: int) -> str:
    lines = [f"r{i} ::= r{i + 1}" for i in range(rules)]
    return "\n".join(["root ::= r0", *lines, f'r{rules} ::= "a"'])


GBNF = {
    "60 000 groups": "root ::= " + "(" * 60_000 + '"a"' + ")" * 60_000,
    "30 000 groups": "root ::= " + "(" * 30_000 + '"a"' + ")" * 30_000,
    "100 groups": "root ::= " + "(" * 100 + '"a"' + ")" * 100,
    "unclosed groups": "root ::= " + "(" * 60_000,
    "a chain of 200 000 rules": chain(200_000),
    "a chain of 1 500 rules": chain(1_500),
    "5 000 rules": "\n".join(['root ::= "a"', *(f'r{i} ::= "a"' for i in range(5_000))]),
    "repeated nothing": 'root ::= ("a"?){0,1000}',
    "repeated empty": 'root ::= ""*',
    "nested stars": "root ::= (" + "[a-z]* " * 8 + ")*",
    "nested counts": "root ::= " + "(" * 20 + '"a"' + "{0,100})" * 20,
    "left recursion": 'root ::= root "a" | "a"',
    "hidden left recursion": 'root ::= b\nb ::= "x"? c\nc ::= root "a"',
    "no root": 'start ::= "a"',
    "no rule": "",
    "a missing rule": "root ::= nowhere",
    "no end": 'root ::= "a" root',
    "a large count": 'root ::= "a"{1,1000000}',
    "a count beyond numbers": 'root ::= "a"{99999999999999999999999}',
    "a reversed count": 'root ::= "a"{5,2}',
    "a reversed range": "root ::= [z-a]",
    "an open literal": 'root ::= "abc',
    "an open class": "root ::= [abc",
    "a bad escape": 'root ::= "\\q"',
    "a character beyond Unicode": 'root ::= "\\U00110000"',
    "text": "Please answer politely.",
    "NUL": 'root ::= "a"\0',
    "100 KB": 'root ::= "' + "a" * 100_000 + '"',
}  # fmt: skip


def nested(depth: int, inner: str = "{}") -> str:
    return '{"type":"array","items":' * depth + inner + "}" * depth


SCHEMAS = {
    "arrays 1 000 deep": nested(1_000),
    "arrays 100 000 deep": nested(100_000),
    "unclosed arrays": '{"items":' * 50_000,
    "brackets": "[" * 60_000,
    "a remote reference": '{"$ref": "https://example.com/schema.json"}',
    "a file": '{"$ref": "file:///etc/passwd"}',
    "a reference to nothing": '{"$ref": "#/$defs/nothing"}',
    "a reference to itself": '{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}',
    "a huge enumeration": json.dumps({"enum": list(range(12_000))}),
    "a look-ahead": '{"type": "string", "pattern": "^(?=a)b$"}',
    "a long pattern": json.dumps({"type": "string", "pattern": f"^{'(' * 5000}a{')' * 5000}$"}),
    "a huge length": '{"type": "string", "minLength": 1000000000}',
    "a huge count": '{"type": "array", "items": {"type": "string"}, "minItems": 1000000000}',
    "an unknown type": '{"type": "number of things"}',
    "a list": "[1]",
    "a number": "3",
    "not JSON": '{"type":',
    "nothing": "",
    "NUL": "\0",
    "a lone surrogate": r'{"const": "\ud800"}',
}


@pytest.fixture
def neighbour(tiny: Engine) -> Iterator[Stream]:
    """A stream that is running when the test begins; afterwards it says all that it says alone."""
    prompt = prompt_tokens(10)
    alone = read(tiny.stream(prompt, seeded(2), max_tokens=60, ignore_eos=True))
    with tiny.stream(prompt, seeded(2), max_tokens=60, ignore_eos=True) as stream:
        head = list(next(stream).tokens)
        yield stream
        assert head + read(stream) == alone


def refusal(engine: Engine, grammar: Grammar) -> InvalidArgument | InvalidGrammar:
    """The error; a stream that ends with one has shown no text before."""
    shown = []
    with pytest.raises((InvalidGrammar, InvalidArgument)) as caught:
        for delta in engine.stream("x", GREEDY, grammar=grammar, max_tokens=5):
            shown.append(delta)
    assert shown == []
    return caught.value


@pytest.mark.parametrize("name", GBNF)
def test_a_hostile_grammar_is_refused(tiny: Engine, neighbour: Stream, name: str) -> None:
    error = refusal(tiny, Grammar("gbnf", GBNF[name]))
    assert error.where.startswith("grammar:")
    assert "allowed" in error.what
    assert len(str(error)) < 1_000


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_hostile_schema_is_refused(tiny: Engine, neighbour: Stream, name: str) -> None:
    error = refusal(tiny, Grammar("json_schema", SCHEMAS[name]))
    assert error.where.startswith("json_schema")
    assert len(str(error)) < 1_000


def test_a_deep_schema_given_as_objects(tiny: Engine, neighbour: Stream) -> None:
    schema: dict[str, Any] = {}
    for _ in range(5_000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(InvalidGrammar):
        tiny.generate("x", GREEDY, json_schema=schema, max_tokens=5)


def test_a_refused_grammar_is_refused_again(tiny: Engine) -> None:
    """A cache keeps no failure that would later count as no grammar."""
    grammar = Grammar("gbnf", GBNF["left recursion"])
    errors = {str(refusal(tiny, grammar)) for _ in range(3)}
    assert len(errors) == 1


def test_grammars_in_the_limits_that_look_hostile(tiny: Engine, neighbour: Stream) -> None:
    """Large counts and deep recursion cost nothing until they are used."""
    for text in ('root ::= ("a"{1000}){1000}', 'root ::= "(" root ")" | "x"', "root ::= [a-z]*"):
        assert len(tiny.generate("x", GREEDY, grammar=text, max_tokens=8).tokens) == 8
