# SPDX-License-Identifier: AGPL-3.0-only
"""Every field of a chat request: what it does, its limits, and what is refused how."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from sentiric_llama.engine.fake import FAKE_INFO, FakeEngine
from sentiric_llama.errors import InvalidArgument, InvalidGrammar
from sentiric_llama.types.ranges import SAMPLING_ALIASES, SAMPLING_RANGES, NumberRange

NUMBERS = {name: limits for name, limits in SAMPLING_RANGES.items() if name != "top_logprobs"}
WRONG_TYPES: list[Any] = ["1", True, [1], [[1]], {"a": 1}]
BREAKERS = "dry_sequence_breakers"


def edges(limits: NumberRange) -> list[float]:
    kind = int if limits.integer else float
    low = limits.low + 0.001 if limits.low_open else limits.low
    if limits.minus_one is not None:
        low = 0
    return [kind(low), kind(limits.high)]


def outside(limits: NumberRange) -> list[float]:
    step: float = 1 if limits.integer else 0.001
    low = limits.low if limits.low_open else limits.low - step
    beyond = [limits.high + step, 1e308, -1e308]
    if limits.integer:
        beyond = [int(limits.high) + 1, 2**70, 0.5]
        low = int(limits.low) - 1
    return [low, *beyond]


@pytest.mark.parametrize("name", NUMBERS)
def test_number_at_its_limits_reaches_the_engine(server: Any, name: str) -> None:
    for value in edges(NUMBERS[name]):
        assert server.chat(**{name: value}).status == 200
        got = getattr(server.engine.requests[-1].sampling, name)
        if name == "seed":
            assert got == value % 2**64
        elif name == "top_k":
            assert got == min(value, FAKE_INFO.num_vocab), "more than all are all"
        else:
            assert got == value and math.copysign(1, got) == math.copysign(1, value)


@pytest.mark.parametrize("name", [*NUMBERS, *SAMPLING_ALIASES, "max_tokens", "n"])
def test_number_outside_is_refused_with_field_and_range(server: Any, name: str) -> None:
    extra = {"max_tokens": NumberRange("", -1, 2**31 - 1, True), "n": NumberRange("", 1, 8, True)}
    limits = extra.get(name) or NUMBERS[SAMPLING_ALIASES.get(name, name)]
    before = len(server.engine.requests)
    for value in [*outside(limits), *WRONG_TYPES]:
        reply = server.chat(**{name: value})
        assert reply.status == 400, (name, value)
        assert reply.error["type"] == "invalid_request_error"
        assert reply.error["param"] == name
        assert "allowed" in reply.error["message"]
    assert len(server.engine.requests) == before


def test_errors_of_the_engine_have_the_names_of_this_api(start: Any) -> None:
    """Its own are those of the library and of gRPC."""
    for name, inner in (
        ("allowed_token_ids", "allowed_tokens"),
        ("stop_token_ids", "stop_tokens"),
        ("bad_words", "bad_words"),
        ("chat_template_kwargs", "template_arguments:1:2"),
    ):
        failing = start(lambda: FakeEngine(fail=InvalidArgument("no", where=inner)))  # noqa: B023
        for stream in (False, True):
            assert failing.chat(stream=stream).error["param"] == name
    server = start()
    for name in ("allowed_token_ids", "stop_token_ids"):
        assert server.chat(**{name: [FAKE_INFO.num_vocab]}).error["param"] == name


def test_null_is_the_same_as_not_given(server: Any) -> None:
    names = [*NUMBERS, "max_tokens", "n", "stop", "logit_bias", "stream", "response_format"]
    names += ["grammar", "tools", "top_logprobs", "logprobs", "model", BREAKERS, "stream_options"]
    assert server.chat(**dict.fromkeys(names)).status == 200
    assert server.engine.requests[-1].sampling.temperature == 0.8


def test_negative_zero_is_zero(server: Any) -> None:
    body = b'{"messages":[{"role":"user","content":"x"}],"temperature":-0.0}'
    assert server.post("/v1/chat/completions", body).status == 200
    assert math.copysign(1, server.engine.requests[-1].sampling.temperature) == 1


@pytest.mark.parametrize("alias", SAMPLING_ALIASES)
def test_alias_sets_the_field(server: Any, alias: str) -> None:
    assert server.chat(**{alias: 0.5}).status == 200
    assert getattr(server.engine.requests[-1].sampling, SAMPLING_ALIASES[alias]) == 0.5


def test_seed_minus_one_draws_one(server: Any) -> None:
    assert server.chat(seed=-1).status == 200
    assert server.engine.requests[-1].sampling.seed is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [("top_k", 0), ("repeat_last_n", 4096), ("dry_penalty_last_n", 32768)],
)
def test_minus_one_is_what_it_is_in_llama_cpp(server: Any, name: str, expected: int) -> None:
    assert server.chat(**{name: -1}).status == 200
    assert getattr(server.engine.requests[-1].sampling, name) == expected


def test_the_first_services_name_of_the_adapter(server: Any) -> None:
    for fields in ({"lora_adapter_id": "x"}, {"lora_adapter_id": "y", "lora_adapter": "x"}):
        reply = server.chat(**fields)
        assert reply.status == 404 and "x-ignored-fields" not in reply.headers
        assert reply.error["param"] == min(fields), "the one that counts"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 1024),
        ({"max_tokens": -1}, 1024),
        ({"max_tokens": 0}, 0),
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 5}, 5),
        ({"max_completion_tokens": 5, "max_tokens": 9}, 5),
        ({"n_predict": 3}, 3),
        ({"n_predict": -1}, 1024),
        ({"n_predict": 0}, 0),
        ({"max_tokens": 9, "n_predict": 3}, 9),
        ({"max_tokens": -1, "n_predict": 3}, 3),
    ],
)
def test_max_tokens(server: Any, fields: dict[str, Any], expected: int) -> None:
    assert server.chat(**fields).status == 200
    assert server.engine.requests[-1].max_tokens == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ()),
        (None, ()),
        ("x", ("x",)),
        (["a", "b"], ("a", "b")),
        ([], ()),
        (["x" * 256] * 8, ("x" * 256,) * 8),
    ],
)
def test_stop(server: Any, value: Any, expected: tuple[str, ...]) -> None:
    assert server.chat(stop=value).status == 200
    assert server.engine.requests[-1].stop == expected


@pytest.mark.parametrize("value", ["x" * 257, "ş" * 129, ["x"] * 9, [""], [1], 5, {}, True])
def test_stop_refused(server: Any, value: Any) -> None:
    reply = server.chat(stop=value)
    assert (reply.status, reply.error["param"]) == (400, "stop")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"5": 1.5, "6": -100}, {5: 1.5, 6: -100.0}),
        ([[5, 1], [6, False]], {5: 1.0, 6: -100.0}),
        ([], {}),
        ({str(i): 1 for i in range(300)}, dict.fromkeys(range(300), 1.0)),
    ],
)
def test_logit_bias(server: Any, value: Any, expected: dict[int, float]) -> None:
    assert server.chat(logit_bias=value).status == 200
    assert server.engine.requests[-1].sampling.logit_bias == expected


@pytest.mark.parametrize(
    "value",
    [
        {str(i): 1 for i in range(301)},
        {"x": 1},
        {"-1": 1},
        {"5": 101},
        {"5": "1"},
        {str(0x110000): 1},
        {"01": 1},
        {"1": 1, "01": 2},
        {"": 1},
        [["01", 1]],
        [[5]],
        [[5, True]],
        [["a b", 1]],
        [5],
        "x",
    ],
)
def test_logit_bias_refused(server: Any, value: Any) -> None:
    reply = server.chat(logit_bias=value)
    assert (reply.status, reply.error["param"]) == (400, "logit_bias")


@pytest.mark.parametrize("value", [["x"] * 17, ["x" * 65], [""], [1], "x"])
def test_dry_breakers(server: Any, value: Any) -> None:
    assert server.chat(**{BREAKERS: ["\n", "x" * 64]}).status == 200
    assert server.engine.requests[-1].sampling.dry_sequence_breakers == ("\n", "x" * 64)
    reply = server.chat(**{BREAKERS: value})
    assert (reply.status, reply.error["param"]) == (400, BREAKERS)


def test_logprobs(server: Any) -> None:
    assert server.chat(logprobs=True).status == 200
    assert server.engine.requests[-1].sampling.top_logprobs == 0
    assert server.chat(logprobs=True, top_logprobs=20).status == 200
    assert server.engine.requests[-1].sampling.top_logprobs == 20
    for fields in ({"logprobs": True, "top_logprobs": 21}, {"top_logprobs": 1}):
        reply = server.chat(**fields)
        assert (reply.status, reply.error["param"]) == (400, "top_logprobs")
    assert server.chat(logprobs=1).error["param"] == "logprobs"


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
WRAPPED = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"response_format": {"type": "text"}}, None),
        ({"response_format": {"type": "json_object"}}, "json_object"),
        ({"response_format": {"type": "json_object", "schema": SCHEMA}}, "json_schema"),
        ({"response_format": WRAPPED}, "json_schema"),
        ({"json_schema": SCHEMA}, "json_schema"),
        ({"grammar": 'root ::= "x"'}, "gbnf"),
        ({"grammar": ""}, None),
        ({"grammar": 'root ::= "x"', "response_format": {"type": "text"}}, "gbnf"),
    ],
)
def test_grammars(server: Any, fields: dict[str, Any], kind: str | None) -> None:
    assert server.chat(**fields).status == 200
    grammar = server.engine.requests[-1].grammar
    assert (grammar.kind if grammar else None) == kind
    if kind == "json_schema":
        assert json.loads(grammar.text) == SCHEMA


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {}}},
            "response_format.json_schema.schema",
        ),
        ({"grammar": "x", "response_format": {"type": "json_object"}}, "response_format"),
        ({"grammar": "x", "json_schema": SCHEMA}, "json_schema"),
        ({"grammar": "x" * 65537}, "grammar"),
        ({"json_schema": {"enum": ["x" * 2**20]}}, "json_schema"),
        ({"json_schema": True}, "json_schema"),
    ],
)
def test_grammars_refused(server: Any, fields: dict[str, Any], param: str) -> None:
    reply = server.chat(**fields)
    assert (reply.status, reply.error["param"]) == (400, param)


@pytest.mark.parametrize("stream", [True, False])
def test_schema_errors_name_the_field_that_was_used(start: Any, stream: bool) -> None:
    engine = FakeEngine(fail=InvalidGrammar("$ref goes in a circle", where="json_schema"))
    server = start(lambda: engine)
    for fields, param in (
        ({"json_schema": SCHEMA}, "json_schema"),
        ({"response_format": WRAPPED}, "response_format"),
        ({"grammar": "x"}, "grammar"),
    ):
        error = server.chat(**fields, stream=stream).error
        assert error["param"] == param
        assert error["message"] == f"[{param}] $ref goes in a circle"
    for where, fields, param in (
        ("regex", {"guided_regex": "("}, "guided_regex"),
        ("choice", {"structured_outputs": {"choice": ["a"]}}, "structured_outputs.choice"),
        ("regex:3", {"structured_outputs": {"regex": "a"}}, "structured_outputs.regex"),
        ("json_schema:/type", {"guided_json": SCHEMA}, "guided_json"),
    ):
        engine.fail = InvalidGrammar("wrong", where=where)
        assert server.chat(**fields, stream=stream).error["param"] == param
    engine.fail = InvalidGrammar("no rule", where="grammar:1:2")
    error = server.chat(grammar="x", stream=stream).error
    assert (error["param"], error["message"]) == ("grammar", "[grammar:1:2] no rule")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("text", "text"),
        (None, ""),
        ([], ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
    ],
)
def test_content_forms(server: Any, content: Any, expected: str) -> None:
    assert server.chat([{"role": "user", "content": content}]).status == 200
    assert server.engine.requests[-1].messages[-1].content == expected


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([], "messages"),
        ("x", "messages"),
        ([1], "messages.0"),
        ([{"role": "robot", "content": "x"}], "messages.0.role"),
        ([{"content": "x"}], "messages.0.role"),
        ([{"role": "user", "content": 5}], "messages.0.content"),
        ([{"role": "user", "content": [5]}], "messages.0.content.0"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages.0.content.0.text"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}],
            "messages.0.content.0.type",
        ),
        ([{"role": "user", "content": "x"}] * 2049, "messages"),
        ([{"role": "user", "content": "x" * (2 * 2**20 + 1)}], "messages"),
    ],
)
def test_messages_refused(server: Any, messages: Any, param: str) -> None:
    reply = server.chat(messages)
    assert (reply.status, reply.error["param"]) == (400, param)


def test_too_much_text_says_how_much(server: Any) -> None:
    reply = server.chat([{"role": "user", "content": "x" * (2 * 2**20 + 1)}])
    assert reply.error["type"] == "exceed_context_size_error"
    assert "2097153 bytes" in reply.error["message"] and "about" in reply.error["message"]
    at_limit = [{"role": "user", "content": "x" * 2**20}] * 2
    assert server.chat(at_limit, max_tokens=1).status == 200


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"tools": [{"type": "function"}]}, 400, "tools.0.function"),
        ({"functions": [{"name": "f"}]}, 400, "functions"),
        ({"tools": []}, 200, None),
        ({"tools": [{"type": "function"}], "tool_choice": "none"}, 400, "tools.0.function"),
        ({"functions": [{"name": "f"}], "function_call": "none"}, 200, None),
        ({"functions": [{"name": "f"}], "tool_choice": "none"}, 200, None),
        ({"functions": [{"name": "f"}], "function_call": "auto"}, 400, "functions"),
        ({"modalities": ["text"]}, 200, None),
        ({"modalities": ["audio"]}, 400, "modalities"),
        ({"lora_adapter": "legal"}, 404, "lora_adapter"),
        ({"model": "gpt-4o"}, 404, "model"),
        ({"model": "alias"}, 200, None),
        ({"model": "default"}, 200, None),
        ({"model": ""}, 200, None),
        ({"model": 5}, 400, "model"),
        ({"truncation": "error"}, 200, None),
        ({"truncation": "cut"}, 400, "truncation"),
        ({"stream": "yes"}, 400, "stream"),
        ({"stream_options": 1}, 400, "stream_options"),
        ({"stream_options": {"include_usage": 1}}, 400, "stream_options.include_usage"),
        ({"ignore_eos": 1}, 400, "ignore_eos"),
        ({"rag_context": 5}, 400, "rag_context"),
        ({"user": "u", "metadata": {}, "store": True, "cache_prompt": True}, 200, None),
        ({"whatever": 1}, 200, None),
    ],
)
def test_other_fields(server: Any, fields: dict[str, Any], status: int, param: str | None) -> None:
    reply = server.chat(**fields)
    assert reply.status == status, reply.body
    if param:
        assert reply.error["param"] == param
    if status == 404:
        assert reply.error["code"] == "model_not_found"


def test_definitions_that_are_not_called_are_named_as_ignored(server: Any) -> None:
    reply = server.chat(functions=[{}], tool_choice="none")
    assert reply.headers["x-ignored-fields"] == "functions"


def test_strict_fields_refuse_unknown_ones(start: Any) -> None:
    strict = start(strict_fields=True)
    reply = strict.chat(whatever=1)
    assert reply.status == 400 and "whatever" in reply.error["message"]
    assert strict.chat(temperature=1, user="u", store=False, top_k=5).status == 200


def test_system_prompts_and_rag(start: Any) -> None:
    template = "[{{rag_context}}|{{user_prompt}}]"
    server = start(default_system_prompt="D", default_rag_prompt=template)
    user = {"role": "user", "content": "q {{rag_context}}"}

    def heard(messages: list[dict[str, str]], **fields: Any) -> list[tuple[str, str]]:
        assert server.chat(messages, **fields).status == 200
        return [(m.role, m.content) for m in server.engine.requests[-1].messages]

    assert heard([user])[0] == ("system", "D")
    assert heard([user], system_prompt="T")[0] == ("system", "T")
    both = [{"role": "system", "content": "S"}, {"role": "developer", "content": "V"}, user]
    assert heard(both, system_prompt="T")[0] == ("system", "S\n\nV")
    # Texts are not templates: what the caller wrote inside them stays as it is.
    wrapped = heard([user], rag_context="facts {{user_prompt}}")
    assert wrapped[-1] == ("user", "[facts {{user_prompt}}|q {{rag_context}}]")
    reply = server.chat([{"role": "assistant", "content": "x"}], rag_context="facts")
    assert (reply.status, reply.error["param"]) == (400, "rag_context")
