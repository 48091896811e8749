# SPDX-License-Identifier: AGPL-3.0-only
"""Every field of the body: what it does, its limits, and what is refused or ignored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from responses_calls import CUSTOM, ThinkingEngine, call, respond, text_of
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import InvalidGrammar
from sentiric_llama.http.responses.body import ELSEWHERE, STATEFUL, ResponsesBody
from sentiric_llama.http.schemas.sampling import SamplingFields
from sentiric_llama.types import Grammar
from sentiric_llama.types.ranges import INT32_MAX

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
FORMAT = {"type": "json_schema", "name": "x", "strict": True, "schema": SCHEMA}


def sent(server: Any, **fields: Any) -> Any:
    """What the engine gets."""
    reply = respond(server, **fields)
    assert reply.status == 200, reply.error
    return server.engine.requests[-1]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, INT32_MAX), (-1, INT32_MAX), (0, 0), (7, 7), (INT32_MAX, INT32_MAX)],
)
def test_max_output_tokens(server: Any, value: Any, expected: int) -> None:
    assert sent(server, max_output_tokens=value).max_tokens == expected


def test_sampling(server: Any) -> None:
    given = {"temperature": 0.5, "top_p": 0.25, "top_k": 3, "seed": 7, "repetition_penalty": 1}
    sampling = sent(server, **given).sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k) == (0.5, 0.25, 3)
    assert (sampling.seed, sampling.repeat_penalty) == (7, 1.0)
    assert ResponsesBody.model_fields.keys() > SamplingFields.model_fields.keys()


def test_our_own_fields(server: Any) -> None:
    request = sent(server, stop="x", priority="batch", rag_context="a fact")
    assert (request.stop, request.priority) == (("x",), "batch")
    assert "a fact" in request.messages[-1].content
    assert respond(server, lora_adapter="none").error["param"] == "lora_adapter"


@pytest.mark.parametrize(
    ("word", "policy", "told"),
    [
        ("auto", "drop_turns", "auto"),
        ("disabled", "error", "disabled"),
        ("drop_turns", "drop_turns", "auto"),
        ("shift", "shift", "shift"),
        ("error", "error", "disabled"),
        (None, "error", "disabled"),
    ],
)
def test_truncation(server: Any, word: Any, policy: str, told: str) -> None:
    assert sent(server, truncation=word).truncation == policy
    assert respond(server, truncation=word).json["truncation"] == told


@pytest.mark.parametrize(
    ("form", "grammar"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, Grammar("json_object")),
        (FORMAT, Grammar("json_schema", json.dumps(SCHEMA, separators=(",", ":")))),
    ],
)
def test_text_format(server: Any, form: Any, grammar: Grammar | None) -> None:
    assert sent(server, text={"format": form}).grammar == grammar
    told = respond(server, text={"format": form}).json["text"]
    assert told == {"format": form or {"type": "text"}}


def test_fields_of_chat_completions_that_constrain_the_text(server: Any) -> None:
    assert sent(server, guided_choice=["a"]).grammar == Grammar("choice", '["a"]')
    form = {"type": "json_object"}
    assert sent(server, response_format=form).grammar == Grammar("json_object")
    error = respond(server, text={"format": FORMAT}, guided_choice=["a"]).error
    assert error["param"] == "text.format"


def test_errors_of_schemas_name_the_field(start: Any) -> None:
    error = InvalidGrammar("no", where="json_schema:/properties")
    server = start(lambda: FakeEngine(fail=error))
    refused = respond(server, text={"format": FORMAT}).error
    assert (refused["param"], refused["code"]) == ("text.format", "invalid_grammar")
    assert refused["message"] == "[text.format:/properties] no"


@pytest.mark.parametrize(
    ("fields", "effort", "thinks"),
    [
        ({}, "", None),
        ({"reasoning": {"effort": "high"}}, "high", True),
        ({"reasoning": {"effort": "none"}}, "", False),
        ({"reasoning": {"effort": None, "summary": "auto"}}, "", None),
        ({"reasoning_effort": "low"}, "low", True),
        ({"reasoning_effort": "low", "reasoning": {"effort": "none"}}, "", False),
    ],
)
def test_reasoning(fields: dict[str, Any], effort: str, thinks: bool | None) -> None:
    from sentiric_llama.http.responses.request import parse_response

    wishes = parse_response({"input": "a", "thinking_budget": 5, **fields}).call.wishes
    assert (wishes.effort, wishes.thinks, wishes.thinking_budget) == (effort, thinks, 5)


def test_variables_of_the_template(server: Any) -> None:
    request = sent(server, chat_template_kwargs={"a": 1})
    assert json.loads(request.template_arguments) == {"a": 1}


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({}, None),
        ({"include": []}, None),
        ({"include": ["message.output_text.logprobs"]}, 0),
        ({"include": ["message.output_text.logprobs"], "top_logprobs": 3}, 3),
        ({"top_logprobs": 3}, 3),
        ({"top_logprobs": 0}, None),
    ],
)
def test_logprobs(server: Any, fields: dict[str, Any], count: int | None) -> None:
    assert sent(server, **fields).sampling.top_logprobs == count
    body = respond(server, **fields).json
    logprobs = body["output"][0]["content"][0]["logprobs"]
    assert "".join(token["token"] for token in logprobs) == ("" if count is None else text_of(body))
    assert {len(token["top_logprobs"]) for token in logprobs} == (
        set() if count is None else {count}
    )
    assert body["top_logprobs"] == fields.get("top_logprobs", 0)


def test_logprobs_are_of_the_text_alone(start: Any) -> None:
    answer = "<think>hm</think>It ş.\n" + call("patch", {"input": "It"})
    server = start(lambda: ThinkingEngine(answer))
    body = respond(server, include=["message.output_text.logprobs"], tools=[CUSTOM]).json
    text = body["output"][1]["content"][0]
    tokens = "".join(token["token"] for token in text["logprobs"])
    assert text["text"] == tokens == "It ş."


ECHO = {
    "instructions": "be kind",
    "max_output_tokens": 99,
    "metadata": {"a": "b"},
    "parallel_tool_calls": False,
    "prompt_cache_key": "k",
    "reasoning": {"effort": "low", "summary": "auto"},
    "safety_identifier": "s",
    "temperature": 0.5,
    "text": {"format": {"type": "text"}, "verbosity": "low"},
    "tool_choice": "none",
    "top_p": 0.5,
    "user": "u",
}


def test_what_the_answer_repeats(server: Any) -> None:
    body = respond(server, **ECHO).json
    assert {name: body[name] for name in ECHO} == ECHO
    plain = respond(server).json
    assert (plain["temperature"], plain["top_p"], plain["tools"]) == (0.8, 0.95, [])
    assert (plain["tool_choice"], plain["parallel_tool_calls"]) == ("auto", True)
    assert (plain["store"], plain["background"], plain["service_tier"]) == (False, False, "default")
    assert plain["instructions"] is plain["previous_response_id"] is plain["error"] is None


def test_defaults_are_those_of_the_settings(start: Any) -> None:
    server = start(default_temperature=0.25, default_top_p=0.5)
    body = respond(server).json
    assert (body["temperature"], body["top_p"]) == (0.25, 0.5)


def test_limits_that_are_not_given_are_those_of_the_api(start: Any) -> None:
    server = start(default_max_tokens=3, truncation="drop_turns")
    for fields in ({}, {"max_output_tokens": -1}, {"truncation": "auto"}):
        request = sent(server, **fields)
        assert request.max_tokens == INT32_MAX and not request.shift
        reply = respond(server, **fields).json
        assert reply["status"] == "completed" and reply["usage"]["output_tokens"] > 3
    limited = sent(server, max_output_tokens=7, truncation="auto")
    assert (limited.max_tokens, limited.shift) == (7, True)
    assert not sent(server, max_output_tokens=7).shift


IGNORED = {
    "service_tier": "auto",
    "max_tool_calls": 3,
    "client_metadata": {"a": "b"},
    "context_management": [{"type": "compaction"}],
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"mode": "implicit"},
    "moderation": {"model": "m"},
    "access_programs": {},
    "background_options": {},
    "image": {},
    "zeta": 1,
}
NESTED_IGNORED = {
    "stream_options": {"include_obfuscation": False, "include_usage": True},
    "reasoning": {"context": "auto", "mode": "x"},
    "text": {"verbosity": "low", "format": FORMAT | {"zeta": 1}},
    "include": ["file_search_call.results", "reasoning.encrypted_content"],
}


@pytest.mark.parametrize("stream", [False, True])
def test_fields_without_effect_are_named(server: Any, stream: bool) -> None:
    reply = respond(server, **IGNORED, stream=stream)
    assert (reply.status, reply.headers["x-ignored-fields"]) == (200, ", ".join(sorted(IGNORED)))
    assert respond(server, **dict.fromkeys(IGNORED)).headers.get("x-ignored-fields") is None
    known = IGNORED.keys() - {"zeta"}
    assert known == ResponsesBody.without_effect
    names = respond(server, **NESTED_IGNORED).headers["x-ignored-fields"].split(", ")
    assert names == [
        "include",
        *("reasoning.context", "reasoning.mode"),
        *("stream_options.include_obfuscation", "stream_options.include_usage"),
        *("text.format.zeta", "text.verbosity"),
    ]


def test_what_codex_sends_is_served(server: Any) -> None:
    body = {
        "model": "fake-model",
        "instructions": None,
        "store": False,
        "background": False,
        "previous_response_id": None,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "0198",
        "client_metadata": {"x": "y"},
        "reasoning": {"summary": "auto"},
        "tools": [CUSTOM, {"type": "web_search"}],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "stream": True,
    }
    reply = respond(server, [{"type": "message", "role": "user", "content": "hi"}], **body)
    assert reply.status == 200 and reply.events[-1]["type"] == "response.completed"


@pytest.mark.parametrize("value", [True, "x", {"id": "x"}, 1.5, [1]])
@pytest.mark.parametrize("name", STATEFUL)
def test_what_needs_a_store_is_refused_with_what_to_do(server: Any, name: str, value: Any) -> None:
    error = respond(server, **{name: value}).error
    assert (error["param"], error["code"]) == (name, "invalid_argument")
    assert error["message"] == f"[{name}] this field is not supported: {STATEFUL[name]}"
    assert respond(server, **{name: None}).status == 200


def test_names_of_chat_completions_are_told_ours(server: Any) -> None:
    for name, here in ELSEWHERE.items():
        error = respond(server, **{name: 5}).error
        assert error["message"] == f"[{name}] unknown field; did you mean {here}?"
        assert respond(server, **{name: None}).status == 200


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": "gpt-5"}, "model"),
        ({"max_output_tokens": -2}, "max_output_tokens"),
        ({"max_output_tokens": "5"}, "max_output_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"include": "x"}, "include"),
        ({"include": [1]}, "include.0"),
        ({"include": ["x"] * 33}, "include"),
        ({"truncation": "x"}, "truncation"),
        ({"truncation": ["auto"]}, "truncation"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {"a": "x" * 513}}, "metadata"),
        ({"metadata": {"a" * 65: "x"}}, "metadata"),
        ({"metadata": {str(i): "" for i in range(17)}}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"user": "x" * 513}, "user"),
        ({"instructions": 5}, "instructions"),
        ({"stream": "yes"}, "stream"),
        ({"reasoning": 5}, "reasoning"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"reasoning": {"summary": "short"}}, "reasoning.summary"),
        ({"reasoning": {"generate_summary": True}}, "reasoning.generate_summary"),
        ({"text": "x"}, "text"),
        ({"text": {"format": {"type": "x"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"text": {"format": {"type": "text", "schema": {}}}}, "text.format.schema"),
        ({"text": {"format": FORMAT | {"schema": {"a": "x" * 2**20}}}}, "text.format"),
        ({"priority": "high"}, "priority"),
        ({"stop": 5}, "stop"),
    ],
)
def test_refused(server: Any, fields: dict[str, Any], param: str) -> None:
    reply = respond(server, **fields)
    assert reply.status == (404 if param == "model" else 400)
    assert reply.error["param"] == param, reply.error
    assert reply.error["code"] in ("invalid_argument", "model_not_found")


def test_nothing_is_stored(server: Any) -> None:
    paths = [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")]
    for method, rest in paths:
        body = {} if method == "POST" else None
        reply = server.request(method, f"/v1/responses/resp_1{rest}", body)
        assert (reply.status, reply.error["code"]) == (404, "not_found")
        assert "nothing is stored here" in reply.error["message"]


def test_the_list_of_models_has_the_words_of_both(server: Any) -> None:
    """Some clients of this API read `models`, others `data`."""
    listed = server.get("/v1/models").json
    assert [model["id"] for model in listed["data"]] == ["fake-model"]
    (model,) = listed["models"]
    assert (model["name"], model["model"], model["size"]) == ("fake-model", "fake-model", 1)
    assert model["details"]["quantization_level"] == "Q8_0"
