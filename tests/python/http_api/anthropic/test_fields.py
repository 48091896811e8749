# SPDX-License-Identifier: AGPL-3.0-only
"""Every field of the body: obeyed, ignored and named, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from messages_client import TOOL, USER
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.anthropic.body import MessagesBody, parse_messages
from sentiric_llama.http.openai import ChatRequest
from sentiric_llama.types import Grammar, Tool
from sentiric_llama.types.wishes import Wishes

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
FORMAT = {"type": "json_schema", "schema": SCHEMA}
QUIET = Wishes(thinks=False)
"""What a request wishes that says nothing of tools and thoughts."""


def parsed(**fields: Any) -> ChatRequest:
    return parse_messages({"messages": USER, **fields})


def test_the_engine_gets_what_was_asked_for(ask: Any, server: Any) -> None:
    reply = ask(
        model="alias",
        system="S",
        max_tokens=7,
        temperature=0.5,
        top_k=3,
        top_p=0.25,
        stop_sequences=["x", "y"],
    )
    got = server.engine.requests[-1]
    assert (reply.status, reply.json["model"]) == (200, "fake-model")
    sampling = got.sampling
    assert (sampling.temperature, sampling.top_k, sampling.top_p) == (0.5, 3, 0.25)
    assert (got.max_tokens, got.stop) == (7, ("x", "y"))
    assert (got.truncation, got.shift) == ("error", False)
    assert "x-ignored-fields" not in reply.headers


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({}, 1024), ({"max_tokens": None}, 1024), ({"max_tokens": 32000}, 32000)],
)
def test_max_tokens_may_be_absent_or_above_the_context(
    ask: Any, server: Any, fields: dict[str, Any], expected: int
) -> None:
    assert ask(**fields).status == 200
    assert server.engine.requests[-1].max_tokens == expected


def test_the_query_and_the_version_may_be_anything(server: Any) -> None:
    for query in ("", "?beta=true", "?a=1&b"):
        headers = {"anthropic-version": "2199-01-01", "anthropic-beta": "a,b"}
        assert server.post(f"/v1/messages{query}", {"messages": USER}, headers).status == 200


@pytest.mark.parametrize(
    ("fields", "wishes"),
    [
        ({}, QUIET),
        ({"thinking": {"type": "disabled"}}, QUIET),
        ({"thinking": {"type": "adaptive"}}, Wishes()),
        ({"thinking": {"type": "between_tools"}}, Wishes()),
        ({"thinking": {"type": "enabled"}}, Wishes(thinks=True)),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            Wishes(thinks=True, thinking_budget=2048),
        ),
        ({"output_config": {"effort": "max"}}, Wishes(thinks=False, effort="max")),
        ({"output_config": {}, "thinking": {"type": "adaptive"}}, Wishes()),
    ],
)
def test_thinking(fields: dict[str, Any], wishes: Wishes) -> None:
    assert parsed(**fields).call.wishes == wishes


@pytest.mark.parametrize(
    ("choice", "wish", "parallel"),
    [
        (None, "auto", True),
        ({"type": "auto"}, "auto", True),
        ({"type": "any", "disable_parallel_tool_use": True}, "required", False),
        ({"type": "tool", "name": "weather"}, "weather", True),
        ({"type": "none"}, "none", True),
    ],
)
def test_tools_and_the_choice_of_one(choice: Any, wish: str, parallel: bool) -> None:
    tools = [TOOL | {"type": "custom"}, {"name": "now", "strict": True, "cache_control": {}}]
    wishes = parsed(tools=tools, tool_choice=choice).call.wishes
    schema = json.dumps(TOOL["input_schema"], separators=(",", ":"))
    assert wishes.tools == (Tool("weather", "Weather of a city", schema), Tool("now"))
    assert (wishes.tool_choice, wishes.parallel) == (wish, parallel)
    assert wishes.strict == {"now"}


def test_tools_of_servers_are_left_out_and_named(ask: Any, server: Any) -> None:
    tools = [
        {"type": "web_search_20260209", "name": "web_search", "max_uses": 3},
        TOOL,
        {"type": "mcp toolset", "mcp_server_name": "x"},
    ]
    reply = ask(tools=tools)
    assert reply.status == 200 and "x-ignored-fields" not in reply.headers
    assert reply.headers["x-ignored-tools"] == "mcp%20toolset, web_search_20260209"
    asked = server.engine.requests[-1].messages[0].content
    assert "weather" in asked and "web_search" not in asked


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"output_format": FORMAT}, "output_format"),
        ({"output_config": {"format": FORMAT}}, "output_config.format"),
    ],
)
def test_the_form_of_the_answer(fields: dict[str, Any], field: str) -> None:
    call = parsed(**fields).call
    text = json.dumps(SCHEMA, separators=(",", ":"))
    assert (call.grammar, call.grammar_field) == (Grammar("json_schema", text), field)


IGNORED: dict[str, Any] = {
    "service_tier": "auto",
    "context_management": {"edits": []},
    "betas": ["x"],
    "inference_geo": "eu",
    "speed": "fast",
    "diagnostics": {},
    "compaction": {},
    "fallbacks": [],
}


def test_fields_without_effect_are_named(ask: Any) -> None:
    assert IGNORED.keys() == MessagesBody.without_effect
    reply = ask(**IGNORED, metadata={"user_id": "u"}, cache_control={"type": "ephemeral"})
    assert (reply.status, reply.headers["x-ignored-fields"]) == (200, ", ".join(sorted(IGNORED)))


def test_nested_fields_without_effect_are_named_by_path(ask: Any) -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    use = {"type": "tool_use", "id": "t", "name": "weather", "input": {"zz": 1}, "caller": {}}
    answer = [{"type": "text", "text": "a", "zz": 1} | mark]
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "a", "citations": []} | mark]},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "a", "signature": "s", "zz": 1}, use],
            "zz": 1,
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t", "content": answer} | mark],
        },
    ]
    reply = ask(
        messages,
        system=[{"type": "text", "text": "S", "zz": 1} | mark],
        tools=[TOOL | mark | {"defer_loading": False}, {"type": "other", "zz": 1}],
        tool_choice={"type": "auto", "name": "x"},
        thinking={"type": "disabled", "budget_tokens": 5, "display": "omitted"},
        output_config={"task_budget": {}, "format": FORMAT | {"name": "n"}},
    )
    assert reply.status == 200
    assert reply.headers["x-ignored-fields"].split(", ") == [
        "messages.0.content.0.citations",
        "messages.1.content.0.zz",
        "messages.1.content.1.caller",
        "messages.1.zz",
        "messages.2.content.0.content.0.zz",
        "output_config.format.name",
        "output_config.task_budget",
        "system.0.zz",
        "thinking.budget_tokens",
        "thinking.display",
        "tool_choice.name",
        "tools.0.defer_loading",
    ]


def test_strict_fields_refuse_unknown_ones(start: Any) -> None:
    strict = start(strict_fields=True)
    known = {**IGNORED, "metadata": {}, "cache_control": {}, "tools": [{"type": "x", "zz": 1}]}
    assert strict.post("/v1/messages", {"messages": USER, **known}).status == 200
    for field in (
        {"zz": 1},
        {"tools": [TOOL | {"zz": 1}]},
        {"thinking": {"type": "adaptive", "zz": 1}},
    ):
        reply = strict.post("/v1/messages", {"messages": USER, **field})
        assert reply.status == 400 and "unknown field; got" in reply.error["message"]


def tool(**fields: Any) -> dict[str, Any]:
    return {"tools": [{"type": "web_search_1"}, TOOL | fields]}


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"model": 5}, "model"),
        ({"system": 5}, "system"),
        ({"system": [{"type": "image"}]}, "system.0.type"),
        ({"max_tokens": "x"}, "max_tokens"),
        ({"max_tokens": -2}, "max_tokens"),
        ({"max_tokens": 2**31}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": 2.5}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_k": -1.5}, "top_k"),
        ({"top_p": 1.5}, "top_p"),
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"stop_sequences": [""]}, "stop_sequences"),
        ({"stop_sequences": ["x"] * 9}, "stop_sequences"),
        ({"tools": {}}, "tools"),
        ({"tools": [5]}, "tools.0"),
        ({"tools": [TOOL] * 257}, "tools"),
        ({"tools": [TOOL, TOOL]}, "tools.1.name"),
        (tool(name=""), "tools.1.name"),
        (tool(name=None), "tools.1.name"),
        (tool(name="x" * 257), "tools.1.name"),
        (tool(description=5), "tools.1.description"),
        (tool(input_schema="{}"), "tools.1.input_schema"),
        (tool(strict=1), "tools.1.strict"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"tool_choice": {"type": "required"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "any"}}, "tool_choice.type"),
        (tool() | {"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        (tool() | {"tool_choice": {"type": "tool", "name": "x"}}, "tool_choice.name"),
        (tool(name="any") | {"tool_choice": {"type": "tool", "name": "none"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "auto", "disable_parallel_tool_use": 1}},
         "tool_choice.disable_parallel_tool_use"),
        ({"thinking": True}, "thinking"),
        ({"thinking": {"type": "on"}}, "thinking.type"),
        ({"thinking": {"type": "enabled", "budget_tokens": -1}}, "thinking.budget_tokens"),
        ({"output_config": 5}, "output_config"),
        ({"output_config": {"effort": "none"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"output_config": {"format": FORMAT | {"type": "text"}}}, "output_config.format.type"),
        ({"output_format": {"type": "json_schema", "schema": "{}"}}, "output_format.schema"),
        ({"output_format": FORMAT, "output_config": {"format": FORMAT}}, "output_format"),
        (
            {"output_format": {"type": "json_schema", "schema": {"enum": ["x" * 2**20]}}},
            "output_format.schema",
        ),
    ],
)  # fmt: skip
def test_refused(server: Any, fields: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parsed(**fields)
    assert caught.value.where == where
    reply = server.post("/v1/messages", {"messages": USER, **fields})
    assert reply.status == 400 and reply.error["message"].startswith(f"[{where}] ")
    assert reply.error["type"] == "invalid_request_error"


def test_null_is_the_same_as_not_given(ask: Any) -> None:
    names = MessagesBody.model_fields.keys() | MessagesBody.without_effect | {"metadata"}
    reply = ask(**dict.fromkeys(names - {"messages"}))
    assert reply.status == 200 and "x-ignored-fields" not in reply.headers


def test_a_schema_that_is_insisted_on_is_named_by_its_place(server: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"pattern": "(?<!a)b"}}}
    reply = server.post("/v1/messages", {"messages": USER, **tool(input_schema=schema)})
    assert (reply.status, reply.headers["x-unenforced-tools"]) == (200, "weather")
    strict = tool(input_schema=schema, strict=True)
    reply = server.post("/v1/messages", {"messages": USER, **strict})
    assert reply.status == 400
    place = "[tools.1.input_schema:/properties/a/pattern]"
    assert reply.error["message"].startswith(f"{place} cannot be enforced")


def test_counting_takes_the_tools_that_an_answer_takes(server: Any) -> None:
    """Arguments that are no object are not enforced; for whom that is not enough, says `strict`."""
    body = {"messages": USER, **tool(input_schema={"type": "array"})}
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        assert server.post(path, body).status == 200
    strict = {"messages": USER, **tool(input_schema={"type": "array"}, strict=True)}
    assert server.post("/v1/messages", strict).error["message"] == (
        '[tools.1.input_schema] cannot be enforced: the type of the arguments must be "object"'
    )
