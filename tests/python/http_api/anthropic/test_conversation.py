# SPDX-License-Identifier: AGPL-3.0-only
"""Messages and their blocks: what the engine gets of them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.anthropic.body import parse_messages
from sentiric_llama.types import Message, ToolCall

USE = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "İzmir"}}
ASKED: list[Any] = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": [USE]},
]


def heard(*messages: Any, **fields: Any) -> tuple[Message, ...]:
    """What is asked of the engine."""
    return parse_messages({"messages": list(messages), **fields}).call.messages


def result(content: Any = "42", **fields: Any) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": "t1", "content": content}
    return {"role": "user", "content": [block | fields]}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("hi", "hi"),
        ([], ""),
        ([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}], "a"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
    ],
)
@pytest.mark.parametrize("role", ["user", "system"])
def test_texts(content: Any, text: str, role: str) -> None:
    last = heard({"role": "user", "content": "x"}, {"role": role, "content": content})[-1]
    assert last == Message(role, text)


def test_system_prompt_is_a_message_in_front() -> None:
    user = {"role": "user", "content": "x"}
    assert heard(user) == (Message("user", "x"),)
    assert heard(user, system="S") == (Message("system", "S"), Message("user", "x"))
    blocks = [{"type": "text", "text": "S", "cache_control": None}, {"type": "text", "text": "T"}]
    assert heard(user, system=blocks)[0] == Message("system", "S\nT")


def test_roles_need_not_alternate_and_system_keeps_its_place(server: Any) -> None:
    messages = [
        {"role": "user", "content": "a"},
        {"role": "system", "content": "reminder"},
        {"role": "user", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    assert server.post("/v1/messages", {"messages": messages, "system": "S"}).status == 200
    got = [(m.role, m.content) for m in server.engine.requests[-1].messages]
    assert got == [
        *[("system", "S"), ("user", "a"), ("system", "reminder")],
        *[("user", "b"), ("user", "c")],
    ]


def test_assistant_blocks_are_one_message() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "text", "text": "Let me "},
        {"type": "text", "text": "see."},
        USE,
        USE | {"id": "t2", "input": {}},
    ]
    (made,) = heard({"role": "assistant", "content": blocks})
    calls = (ToolCall("t1", "weather", '{"city": "İzmir"}'), ToolCall("t2", "weather", "{}"))
    assert made == Message("assistant", "Let me see.", reasoning="hm", tool_calls=calls)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"content": "42"}, "42"),
        ({"content": None}, ""),
        ({"content": [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}]}, "4\n2"),
        ({"content": "no city", "is_error": True}, "Error: no city"),
        ({"content": "Error: no city", "is_error": True}, "Error: no city"),
        ({"content": "", "is_error": True}, "Error"),
        ({"content": "Error: no city", "is_error": False}, "Error: no city"),
    ],
)
def test_a_result_is_a_message_of_the_tool(fields: dict[str, Any], text: str) -> None:
    last = heard(*ASKED, result(**fields))[-1]
    assert last == Message("tool", text, tool_call_id="t1", name="weather")


def test_results_and_texts_keep_their_order() -> None:
    calls = {"role": "assistant", "content": [USE, USE | {"id": "t2"}]}
    first, second = result("1")["content"][0], result("2", tool_use_id="t2")["content"][0]
    texts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    got = heard(calls, {"role": "user", "content": [first, second, *texts]})[1:]
    assert [(m.role, m.content, m.tool_call_id) for m in got] == [
        ("tool", "1", "t1"),
        ("tool", "2", "t2"),
        ("user", "a\nb", ""),
    ]


@pytest.mark.parametrize(
    ("last", "continues"),
    [
        ({"role": "user", "content": "a"}, False),
        ({"role": "system", "content": "a"}, False),
        ({"role": "assistant", "content": "The answer is"}, True),
        ({"role": "assistant", "content": [{"type": "text", "text": "{"}]}, True),
        ({"role": "assistant", "content": [USE]}, False),
    ],
)
def test_prefill(last: Any, continues: bool) -> None:
    call = parse_messages({"messages": [{"role": "user", "content": "q"}, last]}).call
    assert call.continues is continues


def test_the_answer_to_a_prefill_is_only_what_is_new(ask: Any, server: Any) -> None:
    reply = ask([{"role": "user", "content": "q"}, {"role": "assistant", "content": "So"}])
    assert server.engine.requests[-1].continues
    assert reply.json["content"] == [{"type": "text", "text": "You said: So"}]


TEXT = {"type": "text", "text": "a"}


def test_what_a_tool_answers_ends_no_conversation(server: Any) -> None:
    """A picture in a result comes back with every later request of the conversation."""
    image = {"type": "image", "source": {"type": "base64", "data": ""}}
    found = {"type": "tool_reference", "tool_name": "WebSearch"}
    strange = {"type": "x\n" * 100, "text": 5}
    messages = [*ASKED, result([TEXT | {"zz": 1}, image, found, strange])]
    reply = server.post("/v1/messages", {"messages": messages})
    assert reply.status == 200
    lines = heard(*messages)[-1].content.split("\n")
    assert lines[:3] == ["a", "[image omitted: this model accepts text only]", "WebSearch"]
    assert lines[3].startswith("[x%0Ax%0A") and len(lines) == 4
    place = "messages.2.content.0.content"
    named = reply.headers["x-ignored-fields"].split(", ")
    assert named[:2] == [f"{place}.0.zz", f"{place}.1.image"]
    assert named[2].startswith(f"{place}.3.x%0A") and len(named) == 3


def test_the_line_about_billing_costs_no_prefix(server: Any) -> None:
    """It differs from session to session in front of all that they share."""
    billing = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.f21;"}
    fields = {"messages": [{"role": "user", "content": "hi"}]}
    reply = server.post("/v1/messages", fields | {"system": [billing, TEXT, TEXT]})
    assert server.engine.requests[-1].messages[0] == Message("system", "a\na")
    assert "x-ignored-fields" not in reply.headers
    assert server.post("/v1/messages", fields | {"system": [billing]}).status == 200
    assert (
        server.post("/v1/messages", fields | {"system": [TEXT, {}]})
        .error["message"]
        .startswith("[system.1.type]")
    )
    said = "what is x-anthropic-billing-header: ?"
    server.post("/v1/messages", fields | {"system": said})
    assert server.engine.requests[-1].messages[0] == Message("system", said)


@pytest.mark.parametrize(
    ("messages", "where"),
    [
        ([], "messages"),
        ("x", "messages"),
        ([1], "messages.0"),
        ([{"role": "tool", "content": "x"}], "messages.0.role"),
        ([{"role": "user"}], "messages.0.content"),
        ([{"role": "user", "content": None}], "messages.0.content"),
        ([{"role": "user", "content": 5}], "messages.0.content"),
        ([{"role": "user", "content": [TEXT, "b"]}], "messages.0.content.1"),
        ([{"role": "user", "content": [{}]}], "messages.0.content.0.type"),
        ([{"role": "user", "content": [{"type": []}]}], "messages.0.content.0.type"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages.0.content.0.text"),
        ([{"role": "user", "content": [TEXT | {"text": 5}]}], "messages.0.content.0.text"),
        *(
            ([{"role": "user", "content": [TEXT, {"type": kind}]}], "messages.0.content.1.type")
            for kind in ("image", "document", "search_result", "server_tool_use", "x y")
        ),
        ([{"role": "user", "content": [USE]}], "messages.0.content.0.type"),
        ([{"role": "system", "content": [USE]}], "messages.0.content.0.type"),
        (
            [{"role": "user", "content": [{"type": "thinking", "thinking": "a"}]}],
            "messages.0.content.0.type",
        ),
        ([*ASKED, result() | {"role": "assistant"}], "messages.2.content.0.type"),
        ([*ASKED, result(tool_use_id="t9")], "messages.2.content.0.tool_use_id"),
        ([ASKED[0], result()], "messages.1.content.0.tool_use_id"),
        ([*ASKED, result([TEXT, {}])], "messages.2.content.0.content.1.type"),
        ([*ASKED, result([{"type": 5}])], "messages.2.content.0.content.0.type"),
        ([*ASKED, result([{"type": "text"}])], "messages.2.content.0.content.0.text"),
        ([*ASKED, result([5])], "messages.2.content.0.content.0"),
        ([*ASKED, result(is_error="yes")], "messages.2.content.0.is_error"),
        (
            [{"role": "assistant", "content": [USE | {"input": "{}"}]}],
            "messages.0.content.0.input",
        ),
        ([{"role": "assistant", "content": [USE | {"id": None}]}], "messages.0.content.0.id"),
        ([{"role": "assistant", "content": [USE | {"name": ""}]}], "messages.0.content.0.name"),
        ([{"role": "user", "content": "x"}] * 2049, "messages"),
    ],
)
def test_refused(server: Any, messages: Any, where: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_messages({"messages": messages})
    assert caught.value.where == where
    reply = server.post("/v1/messages", {"messages": messages})
    assert reply.status == 400 and reply.error["message"].startswith(f"[{where}] ")


def test_content_deep_inside_is_never_recursed_into(server: Any) -> None:
    deep = b'{"messages":' + b'[{"content":' * 5000 + b"1" + b"}]" * 5000 + b"}"
    reply = server.post("/v1/messages", deep)
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")
