# SPDX-License-Identifier: AGPL-3.0-only
"""Custom tools of chat completions: a text instead of arguments, there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from http_client import Reply
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.http.openai import parse_chat
from sentiric_llama.types import ToolCall

ASKED = [{"role": "user", "content": "Patch it."}]
NOW = {"type": "function", "function": {"name": "now"}}
INPUTS = ("a\nb", 'ş "x" \\ \U0001f600', "", "{}", "*** Begin")


def custom(name: str = "patch", **more: Any) -> dict[str, Any]:
    return {"type": "custom", "custom": {"name": name, "description": "Patches.", **more}}


def regex(definition: str, syntax: str = "regex") -> dict[str, Any]:
    grammar = {"syntax": syntax, "definition": definition}
    return {"format": {"type": "grammar", "grammar": grammar}}


def written(*calls: tuple[str, Any]) -> str:
    texts = (json.dumps({"name": name, "arguments": given}) for name, given in calls)
    return "\n".join(f"<tool_call>\n{text}\n</tool_call>" for text in texts)


def answering(start: Any, text: str) -> Any:
    return start(lambda: FakeEngine(text))


def joined(reply: Reply) -> list[dict[str, Any]]:
    """The calls of a stream, put together as clients do it."""
    calls: list[dict[str, Any]] = []
    for event in reply.events[:-1]:
        for choice in event["choices"]:
            for part in choice["delta"].get("tool_calls", ()):
                if "id" in part:
                    assert part["index"] == len(calls)
                    calls.append({name: part[name] for name in ("type", part["type"])})
                else:
                    kind, field = (
                        ("custom", "input") if "custom" in part else ("function", "arguments")
                    )
                    call = calls[part["index"]]
                    assert call["type"] == kind and "name" not in part[kind]
                    call[kind] = call[kind] | {field: call[kind][field] + part[kind][field]}
    return calls


@pytest.mark.parametrize("stream", [False, True])
def test_calls_have_the_input_as_it_is(start: Any, stream: bool) -> None:
    calls = [("patch", {"input": text}) for text in INPUTS]
    server = answering(start, written(*calls, ("now", {}), calls[0]))
    reply = server.chat(ASKED, tools=[custom(), NOW], stream=stream)
    if stream:
        found = joined(reply)
        assert reply.events[-2]["choices"][0]["finish_reason"] == "tool_calls"
    else:
        (choice,) = reply.json["choices"]
        assert choice["finish_reason"] == "tool_calls" and choice["message"]["content"] is None
        found = choice["message"]["tool_calls"]
        assert len({call.pop("id") for call in found}) == len(found)
    expected: list[Any] = [{"name": "patch", "input": text} for text in (*INPUTS, INPUTS[0])]
    expected = [{"type": "custom", "custom": each} for each in expected]
    expected.insert(-1, {"type": "function", "function": {"name": "now", "arguments": "{}"}})
    assert found == expected


@pytest.mark.parametrize("stream", [False, True])
def test_an_input_that_is_cut_ends_early(start: Any, stream: bool) -> None:
    text = written(("patch", {"input": "0123456789"}))
    server = answering(start, text)
    place = text.index("5") + 1
    reply = server.chat(ASKED, tools=[custom()], stream=stream, max_tokens=place)
    if stream:
        (call,) = joined(reply)
    else:
        (call,) = reply.json["choices"][0]["message"]["tool_calls"]
    assert call["custom"] == {"name": "patch", "input": "012345"}


def test_each_choice_has_calls_of_its_own(start: Any) -> None:
    server = answering(start, written(("patch", {"input": "a"})))
    reply = server.chat(ASKED, tools=[custom()], stream=True, n=2)
    parts = [
        (choice["index"], part["index"], part["custom"]["input"])
        for event in reply.events[:-1]
        for choice in event["choices"]
        for part in choice["delta"].get("tool_calls", ())
    ]
    for index in (0, 1):
        mine = [part for part in parts if part[0] == index]
        assert {number for _, number, _ in mine} == {0}
        assert "".join(text for _, _, text in mine) == "a"


def test_a_name_that_no_tool_has_is_no_custom_call(start: Any) -> None:
    server = answering(start, written(("now", {"input": "a"})))
    (call,) = server.chat(ASKED, tools=[NOW]).json["choices"][0]["message"]["tool_calls"]
    assert call["type"] == "function"


def test_the_model_is_told_of_a_function_with_a_text() -> None:
    body = {"messages": ASKED, "tools": [custom(**regex("a|b")), custom("note")]}
    first, second = parse_chat(body).call.wishes.tools
    assert json.loads(first.parameters)["properties"]["input"]["pattern"] == "^(?:a|b)$"
    assert "a|b" in first.description
    assert json.loads(second.parameters) == {
        "type": "object",
        "properties": {"input": {"type": "string"}},
        "required": ["input"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize("stream", [False, True])
def test_only_a_pattern_is_enforced(start: Any, stream: bool) -> None:
    server = answering(start, "x")
    tools = [custom(**regex("a|b")), custom("note", **regex("start: A", "lark"))]
    reply = server.chat(ASKED, tools=tools, stream=stream)
    assert reply.headers["x-unenforced-tools"] == "note"
    assert "x-ignored-tools" not in reply.headers and "x-ignored-fields" not in reply.headers
    assert "(?:a|b)" in server.engine.requests[-1].grammar.text
    assert "start: A" in server.engine.requests[-1].messages[0].content


def test_one_can_be_chosen(start: Any) -> None:
    body = {"messages": ASKED, "tools": [custom(), NOW]}
    choice = {"type": "custom", "custom": {"name": "patch"}}
    assert parse_chat(body | {"tool_choice": choice}).call.wishes.tool_choice == "patch"


def test_calls_and_results_come_back(start: Any) -> None:
    server = answering(start, written(("patch", {"input": 'a\n"ş"'}), ("now", {})))
    message = server.chat(ASKED, tools=[custom(), NOW]).json["choices"][0]["message"]
    calls = message["tool_calls"]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in calls]
    messages = [*ASKED, message, *results]
    made = parse_chat({"messages": messages}).call.messages[1].tool_calls
    patch, now = (call["id"] for call in calls)
    arguments = '{"input": "a\\n\\"ş\\""}'
    assert made == (ToolCall(patch, "patch", arguments), ToolCall(now, "now", "{}"))
    reply = server.chat(messages, tools=[custom(), NOW])
    assert reply.status == 200 and "x-ignored-fields" not in reply.headers


CALL = {"id": "c", "type": "custom", "custom": {"name": "patch", "input": "a"}}


def said(call: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [*ASKED, {"role": "assistant", "content": "", "tool_calls": [call]}]}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "custom"}]}, "tools.0.custom"),
        ({"tools": [NOW, {"type": "custom", "custom": {}}]}, "tools.1.custom.name"),
        ({"tools": [{"type": "mcp"}, custom("")]}, "tools.1.custom.name"),
        ({"tools": [custom("now"), NOW]}, "tools.1.function.name"),
        ({"tools": [NOW, custom("now")]}, "tools.1.custom.name"),
        ({"tools": [custom() | NOW]}, "tools.0.custom"),
        ({"tools": [NOW | custom()]}, "tools.0.function"),
        ({"tools": [custom(format={"type": "grammar"})]}, "tools.0.custom.format.grammar"),
        ({"tools": [custom(format={"type": "x"})]}, "tools.0.custom.format.type"),
        ({"tools": [custom(**regex("a", "x"))]}, "tools.0.custom.format.grammar.syntax"),
        ({"tool_choice": {"type": "custom"}}, "tool_choice.custom"),
        ({"tool_choice": {"type": "custom", "custom": {"name": "x"}}}, "tool_choice.custom.name"),
        (
            {"tools": [NOW], "tool_choice": {"type": "custom", "custom": {"name": "now"}}},
            "tool_choice.custom.name",
        ),
        (said(CALL | {"type": "function"}), "messages.1.tool_calls.0.function"),
        (said(CALL | {"custom": {"name": "patch"}}), "messages.1.tool_calls.0.custom.input"),
        (said(CALL | {"custom": None}), "messages.1.tool_calls.0.custom"),
    ],
)
def test_refused(server: Any, fields: dict[str, Any], param: str) -> None:
    before = len(server.engine.requests)
    reply = server.post("/v1/chat/completions", {"messages": ASKED} | fields)
    assert (reply.status, reply.error["param"]) == (400, param)
    assert len(server.engine.requests) == before
