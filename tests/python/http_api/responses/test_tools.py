# SPDX-License-Identifier: AGPL-3.0-only
"""Functions, custom tools and namespaces: what the model is told, and how calls come back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from responses_calls import CUSTOM, FUNCTION, NAMESPACE, TOOLS, call, kinds_of, respond
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.http.responses.request import parse_response
from sentiric_llama.types.wishes import Wishes


def wishes(**fields: Any) -> Wishes:
    return parse_response({"input": "a", **fields}).call.wishes


def answering(start: Any, *calls: str) -> Any:
    return start(lambda: FakeEngine("\n".join(calls)))


def test_a_function() -> None:
    (tool,) = wishes(tools=[FUNCTION]).tools
    assert (tool.name, tool.description) == ("look", "Looks.")
    assert json.loads(tool.parameters) == FUNCTION["parameters"]
    assert wishes(tools=[{"type": "function", "name": "n", "parameters": None}]).tools[0].name


def test_a_custom_tool_is_a_function_with_a_text() -> None:
    (tool,) = wishes(tools=[CUSTOM]).tools
    schema = json.loads(tool.parameters)
    assert schema["required"] == ["input"] and not schema["additionalProperties"]
    assert schema["properties"] == {"input": {"type": "string"}}


def test_a_custom_tool_with_a_pattern(start: Any) -> None:
    form = {"type": "grammar", "syntax": "regex", "definition": "a|b"}
    (tool,) = wishes(tools=[CUSTOM | {"format": form}]).tools
    assert json.loads(tool.parameters)["properties"]["input"]["pattern"] == "^(?:a|b)$"
    server = answering(start, "x")
    reply = respond(server, tools=[CUSTOM | {"format": form}])
    assert reply.status == 200 and "x-unenforced-tools" not in reply.headers
    assert "(?:a|b)" in server.engine.requests[-1].grammar.text


@pytest.mark.parametrize("stream", [False, True])
def test_what_nothing_enforces_is_named(start: Any, stream: bool) -> None:
    form = {"type": "grammar", "syntax": "lark", "definition": "start: A"}
    broken = FUNCTION | {"parameters": {"type": "object", "patternProperties": {"(?=a)b": {}}}}
    server = answering(start, "x")
    reply = respond(server, tools=[broken, CUSTOM | {"format": form}], stream=stream)
    assert (reply.status, reply.headers["x-unenforced-tools"]) == (200, "look, patch")
    assert "start: A" in server.engine.requests[-1].messages[0].content


def test_a_strict_tool_that_cannot_be_enforced_is_refused_where_it_stands(server: Any) -> None:
    broken = {"type": "object", "patternProperties": {"(?=a)b": {}}}
    tool = FUNCTION | {"parameters": broken, "strict": True}
    error = respond(server, tools=[{"type": "mcp"}, tool]).error
    assert error["param"] == "tools.1.parameters"
    error = respond(server, tools=[CUSTOM, NAMESPACE | {"tools": [CUSTOM, tool]}]).error
    assert error["param"] == "tools.1.tools.1.parameters"


def test_a_namespace_is_told_once(start: Any) -> None:
    tools = wishes(tools=[NAMESPACE]).tools
    assert [tool.name for tool in tools] == ["crm__get", "crm__note"]
    assert [tool.description for tool in tools] == ["Customers.\n\nLooks.", "Patches."]


def test_other_kinds_are_named_and_not_given_back(server: Any) -> None:
    reply = respond(server, tools=[*TOOLS, {"type": "web_search"}, {"type": "file search"}])
    assert reply.headers["x-ignored-tools"] == "file%20search, mcp, web_search"
    assert [tool["type"] for tool in reply.json["tools"]] == ["function", "custom", "namespace"]
    assert respond(server, tools=[{"type": "web_search"}]).status == 200


def test_tools_come_back_as_they_were_sent(server: Any) -> None:
    reply = respond(server, tools=TOOLS, tool_choice={"type": "allowed_tools", "tools": []})
    look = FUNCTION | {"strict": False}
    inside = [look | {"name": "get"}, CUSTOM | {"name": "note"}]
    assert reply.json["tools"] == [look, CUSTOM, NAMESPACE | {"tools": inside}]
    assert reply.json["tool_choice"] == {"type": "allowed_tools", "mode": "auto", "tools": []}


def test_an_answer_repeats_nothing_that_has_no_limit(server: Any) -> None:
    """Else a body of megabytes would be kept for each running request, and be sent three times."""
    junk = {"zeta": "x" * 100_000}
    form = {"type": "text", "definition": "x" * 100_000} | junk
    tools = [FUNCTION | junk, CUSTOM | {"format": form}, {"type": "mcp"} | junk]
    tools += [{"type": "namespace", "name": "n", "description": "x" * 100_000, "tools": []}]
    named = {"type": "function", "name": "look"}
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [named | junk, junk]} | junk
    fields = {"text": {"verbosity": "x" * 100_000} | junk, "reasoning": {"mode": "x" * 100_000}}
    reply = respond(server, tools=tools, tool_choice=choice, **fields, **junk)
    assert reply.status == 200 and len(reply.body) < 5_000
    assert reply.json["tool_choice"]["tools"] == [named]


CALLS = (
    call("look", {"where": "up"}),
    call("patch", {"input": 'a\n"b" \ud83d\ude00'}),
    call("crm__get", {"where": "x"}),
    call("crm__note", {"input": ""}),
)


def test_calls_come_back_by_their_callers_names(start: Any) -> None:
    body = respond(answering(start, "I look.", *CALLS), tools=TOOLS).json
    message, look, patch, get, note = body["output"]
    assert message["content"][0]["text"] == "I look." and body["status"] == "completed"
    assert (look["name"], look["arguments"]) == ("look", '{"where": "up"}')
    assert (patch["name"], patch["input"]) == ("patch", 'a\n"b" \U0001f600')
    assert (get["namespace"], get["name"]) == ("crm", "get")
    assert (note["namespace"], note["name"], note["input"]) == ("crm", "note", "")
    assert "namespace" not in look and "namespace" not in patch
    kinds = ["function_call", "custom_tool_call"] * 2
    assert kinds_of(body) == ["message", *kinds]
    ids = [item["id"] for item in body["output"]]
    assert [name.partition("_")[0] for name in ids] == ["msg", "fc", "ctc", "fc", "ctc"]
    assert len({item["call_id"] for item in body["output"][1:]}) == 4


def test_output_can_be_sent_back_as_input(start: Any) -> None:
    server = answering(start, "I look.", *CALLS)
    output = respond(server, tools=TOOLS).json["output"]
    results = [
        {"type": f"{item['type']}_output", "call_id": item["call_id"], "output": "ok"}
        for item in output[1:]
    ]
    reply = respond(server, [{"role": "user", "content": "a"}, *output, *results], tools=TOOLS)
    assert reply.status == 200 and "x-ignored-fields" not in reply.headers
    said = server.engine.requests[-1].messages[2].content
    assert said == "\n".join(["I look.", *CALLS]).replace("\\ud83d\\ude00", "\U0001f600")


def test_broken_calls_are_text_with_a_warning(start: Any) -> None:
    body = respond(answering(start, call("none", {})), tools=TOOLS).json
    assert kinds_of(body) == ["message"] and body["warnings"]
    assert body["output"][0]["content"][0]["text"] == call("none", {})


def test_a_call_that_is_cut_is_incomplete(start: Any) -> None:
    text = call("look", {"where": "up"})
    body = respond(answering(start, text), tools=TOOLS, max_output_tokens=len(text) - 20).json
    assert (body["status"], body["output"][0]["status"]) == ("incomplete", "incomplete")
    assert body["incomplete_details"] == {"reason": "max_output_tokens"}


@pytest.mark.parametrize(
    ("choice", "word", "allowed"),
    [
        (None, "auto", None),
        *((word, word, None) for word in ("none", "auto", "required")),
        ({"type": "function", "name": "look"}, "look", None),
        ({"type": "custom", "name": "patch"}, "patch", None),
        ({"type": "function", "name": "get", "namespace": "crm"}, "crm__get", None),
        ({"type": "allowed_tools", "mode": "auto", "tools": []}, "auto", frozenset()),
        (
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "custom", "name": "patch"}, {"type": "mcp"}],
            },
            "required",
            {"patch"},
        ),
    ],
)
def test_choices(choice: Any, word: str, allowed: Any) -> None:
    found = wishes(tools=TOOLS, tool_choice=choice)
    assert (found.tool_choice, found.allowed) == (word, allowed)


def test_only_allowed_tools_are_called_and_all_are_shown(start: Any) -> None:
    server = answering(start, call("look", {}), call("patch", {"input": "a"}))
    names = [{"type": "custom", "name": "patch"}]
    choice = {"type": "allowed_tools", "mode": "auto", "tools": names}
    body = respond(server, tools=TOOLS, tool_choice=choice).json
    assert kinds_of(body) == ["message", "custom_tool_call"]
    request = server.engine.requests[-1]
    assert '"look"' in request.messages[0].content and '"look"' not in request.grammar.text


def test_no_parallel_calls(start: Any) -> None:
    server = answering(start, "x")
    respond(server, tools=TOOLS)
    several = server.engine.requests[-1].grammar
    body = respond(server, tools=TOOLS, parallel_tool_calls=False).json
    assert server.engine.requests[-1].grammar != several and not body["parallel_tool_calls"]


ALLOWED = {"type": "allowed_tools", "mode": "required"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": 5}, "tools"),
        ({"tools": ["a"]}, "tools.0"),
        ({"tools": [{"type": "function"}]}, "tools.0.name"),
        ({"tools": [FUNCTION | {"name": ""}]}, "tools.0.name"),
        ({"tools": [FUNCTION | {"name": "x" * 257}]}, "tools.0.name"),
        ({"tools": [FUNCTION | {"parameters": "a"}]}, "tools.0.parameters"),
        ({"tools": [FUNCTION | {"strict": "a"}]}, "tools.0.strict"),
        ({"tools": [FUNCTION, FUNCTION]}, "tools.1.name"),
        ({"tools": [NAMESPACE, FUNCTION | {"name": "crm__get"}]}, "tools.1.name"),
        ({"tools": [CUSTOM | {"format": {"type": "x"}}]}, "tools.0.format.type"),
        ({"tools": [CUSTOM | {"format": {"type": "grammar"}}]}, "tools.0.format.syntax"),
        ({"tools": [{"type": "namespace", "name": "n"}]}, "tools.0.tools"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{}]}]}, "tools.0.tools.0.type"),
        ({"tools": [NAMESPACE | {"tools": [5]}]}, "tools.0.tools.0"),
        ({"tools": [NAMESPACE | {"name": "n" * 256}]}, "tools.0.tools.0.name"),
        ({"tools": [FUNCTION | {"name": f"n{i}"} for i in range(257)]}, "tools"),
        ({"tool_choice": "x"}, "tool_choice"),
        ({"tool_choice": 5}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "mcp"}}, "tool_choice.type"),
        ({"tool_choice": {"type": {}}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "function", "name": "none"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "function", "name": "other"}}, "tool_choice"),
        ({"tool_choice": {"type": "custom", "name": "a", "namespace": 5}}, "tool_choice.namespace"),
        ({"tool_choice": ALLOWED}, "tool_choice.tools"),
        ({"tool_choice": ALLOWED | {"mode": "x", "tools": []}}, "tool_choice.mode"),
        ({"tool_choice": ALLOWED | {"tools": [5]}}, "tool_choice.tools.0"),
        ({"tool_choice": ALLOWED | {"tools": [{"type": "custom"}]}}, "tool_choice.tools.0.name"),
        ({"tool_choice": ALLOWED | {"tools": [{}] * 257}}, "tool_choice.tools"),
        ({"tool_choice": {"type": "custom", "name": "x" * 257}}, "tool_choice.name"),
        ({"tools": TOOLS, "tool_choice": ALLOWED | {"tools": []}}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": ALLOWED | {"tools": [{"type": "mcp"}]}}, "tool_choice"),
        ({"tools": TOOLS, "grammar": "root ::= [a]"}, "grammar"),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
    ],
)
def test_refused(server: Any, fields: dict[str, Any], param: str) -> None:
    reply = respond(server, **fields)
    assert (reply.status, reply.error["param"]) == (400, param), reply.error


def test_ignored_fields_of_tools(server: Any) -> None:
    tools = [FUNCTION | {"zeta": 1, "defer_loading": True}, NAMESPACE | {"zeta": 1}]
    tools[1] |= {"tools": [CUSTOM | {"zeta": 1}]}
    names = respond(server, tools=tools).headers["x-ignored-fields"].split(", ")
    assert names == [
        "tools.0.defer_loading",
        "tools.0.zeta",
        "tools.1.tools.0.zeta",
        "tools.1.zeta",
    ]
