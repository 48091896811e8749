# SPDX-License-Identifier: AGPL-3.0-only
"""Grammars and schemas made to crash or to stall are refused while another stream goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from http_client import StreamThread, wait_until
from server_process import ServerProcess

NEIGHBOUR: dict[str, Any] = {"temperature": 0, "ignore_eos": True, "max_tokens": 1500}


def chain(length: int) -> str:
    rules = [f"r{i} ::= r{i + 1}" for i in range(length)]
    return "\n".join(["root ::= r0", *rules, f'r{length} ::= "a"'])


def nested_schema(depth: int) -> str:
    """As text: `json.dumps` gives up at such depths."""
    return '{"properties":{"a":' * depth + "{}" + "}}" * depth


def schema(**fields: Any) -> str:
    return json.dumps({"type": "object"} | fields)


GRAMMARS = {
    "parens": "root ::= " + "(" * 30_000 + '"a"' + ")" * 30_000,
    "more than 64 KB": "root ::= " + '"a" ' * 20_000,
    "rule chain": chain(4000),
    "long chain within the number of rules": chain(1500),
    "optional repeated": 'root ::= ("a"?){0,1000}',
    "nested repetition": "root ::= ([a-z]*){8}",
    "repetition of repetition": "root ::= (([a-z]*){8})*",
    "huge count": 'root ::= "a"{99999999999999999999}',
    "left recursion": 'root ::= root "a" | "b"',
    "hidden left recursion": 'root ::= x root "a" | "b"\nx ::= "c"?',
    "mutual left recursion": 'root ::= a "x"\na ::= root "y"',
    "only itself": "root ::= root",
    "no end": 'root ::= "a" root',
    "undefined rule": "root ::= nothing",
    "no root": 'a ::= "a"',
    "open literal": 'root ::= "a',
    "open class": "root ::= [a-",
    "bad escape": 'root ::= "\\xZZ"',
    "bytes that are no text": "root ::= \x00\x01",
}

SCHEMAS = {
    "1000 deep": nested_schema(1000),
    "100 000 deep arrays": '{"items":' * 100_000 + "{}" + "}" * 100_000,
    "remote reference": schema(properties={"a": {"$ref": "http://192.0.2.1/schema.json"}}),
    "file reference": schema(properties={"a": {"$ref": "file:///etc/passwd"}}),
    "circular reference": '{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}',
    "reference to nothing": '{"$ref":"#/$defs/b"}',
    "pattern": schema(properties={"a": {"type": "string", "pattern": "^((a+)+$"}}),
    "huge length": schema(properties={"a": {"type": "string", "minLength": 10**9}}),
    "huge array": schema(properties={"a": {"type": "array", "minItems": 10**9}}),
    "wrong kind": schema(properties=5),
}


@pytest.fixture(scope="module")
def expected(_tiny: ServerProcess) -> str:
    """What the neighbour gets when it is alone."""
    return StreamThread(_tiny.port, "neighbour", **NEIGHBOUR).text()


@pytest.mark.parametrize("name", GRAMMARS)
def test_grammar_is_refused(tiny: Any, name: str) -> None:
    reply = tiny.chat("x", grammar=GRAMMARS[name], max_tokens=5)
    assert (reply.status, reply.error["param"]) == (400, "grammar"), reply.body
    assert reply.error["type"] == "invalid_request_error"
    assert len(reply.error["message"]) < 400
    assert_answers(tiny)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_refused(tiny: Any, name: str) -> None:
    messages = '"messages":[{"role":"user","content":"x"}],"max_tokens":5'
    wrapped = '{"type":"json_schema","json_schema":{"name":"x","schema":' + SCHEMAS[name] + "}}"
    for field, value in (("json_schema", SCHEMAS[name]), ("response_format", wrapped)):
        body = f'{{{messages},"{field}":{value}}}'.encode()
        reply = tiny.post("/v1/chat/completions", body)
        assert reply.status == 400, reply.body[:1000]
        assert reply.error["param"].split(".")[0] == field, reply.body
        assert len(reply.error["message"]) < 400
    assert_answers(tiny)


def assert_answers(tiny: Any) -> None:
    assert tiny.chat("x", grammar='root ::= "yes" | "no"').text in ("yes", "no")


def test_a_stream_goes_on_while_they_are_refused(tiny: Any, expected: str) -> None:
    hostile: list[dict[str, Any]] = [{"grammar": text} for text in GRAMMARS.values()]
    hostile += [{"json_schema": json.loads(SCHEMAS[n])} for n in SCHEMAS if "deep" not in n]
    stream = StreamThread(tiny.port, "neighbour", **NEIGHBOUR)
    assert wait_until(lambda: len(stream.pieces) > 2)
    before = len(stream.pieces)
    for fields in hostile:
        assert tiny.chat("x", **fields).status == 400
    assert len(stream.pieces) > before
    assert stream.text() == expected


@pytest.mark.parametrize(
    "grammar",
    [
        "root ::= " + "[a-z]* " * 8,
        "root ::= ([a-z] | [a-y] | [a-x] | [b-z])*",
        'root ::= ("a" | "aa" | "aaa" | "aaaa")+',
        'root ::= "(" root ")" | "x"',
        "root ::= [a-z]{0,1000}",
        'root ::= ((("a"{1000}){1000}){1000}){1000}',
    ],
)
def test_ambiguous_grammars_that_are_allowed_do_not_stall(
    tiny: Any, expected: str, grammar: str
) -> None:
    stream = StreamThread(tiny.port, "neighbour", **NEIGHBOUR)
    for seed in range(3):
        reply = tiny.chat("x", grammar=grammar, max_tokens=60, seed=seed, temperature=1.5)
        assert reply.status in (200, 422)  # a grammar that costs too much to follow ends with 422
    assert stream.text() == expected
