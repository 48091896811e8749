# SPDX-License-Identifier: AGPL-3.0-only
"""`input`: which items become which messages, and which are refused or left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from responses_calls import TOOLS, respond
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.responses.request import parse_response
from sentiric_llama.types import Message, ToolCall


def messages(given: Any, **fields: Any) -> tuple[Message, ...]:
    return parse_response({"input": given, **fields}).call.messages


def called(call_id: str = "c1", name: str = "look", **more: Any) -> dict[str, Any]:
    given = {"call_id": call_id, "name": name, "arguments": '{"where":"up"}', **more}
    return {"type": "function_call", **given}


def came(call_id: str = "c1", output: Any = "sky", kind: str = "function_call_output") -> Any:
    return {"type": kind, "call_id": call_id, "output": output}


def said(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    fixed = {"id": "msg_1", "status": "completed", "type": "message", "role": "assistant"}
    return fixed | {"content": [part]}


def thought(**texts: Any) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"} | texts


LOOK = ToolCall("c1", "look", '{"where":"up"}')


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("hi", (Message("user", "hi"),)),
        ("", (Message("user", ""),)),
        ([{"role": "user", "content": "hi"}], (Message("user", "hi"),)),
        ([{"type": "message", "role": "user", "content": None}], (Message("user", ""),)),
        (
            [{"role": "user", "content": [{"type": "input_text", "text": t} for t in "ab"]}],
            (Message("user", "a\nb"),),
        ),
        (
            [{"role": "user", "content": [{"type": "text", "text": "a"}]}],
            (Message("user", "a"),),
        ),
        (
            [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, "u"][:1],
            (Message("assistant", ""),),
        ),
        (
            [{"role": r, "content": r} for r in ("developer", "user", "developer", "system")],
            tuple(Message(r, r) for r in ("developer", "user", "developer", "system")),
        ),
    ],
)
def test_messages(given: Any, expected: tuple[Message, ...]) -> None:
    assert messages(given) == expected


def test_neighbours_of_the_assistant_are_one_message() -> None:
    thoughts = thought(content=[{"type": "reasoning_text", "text": "hm"}])
    items = [
        {"role": "user", "content": "hi"},
        thoughts,
        said("I look"),
        called(),
        called("c2", "wait"),
        came("c2", [{"type": "input_text", "text": "done"}]),
        came(),
        said("It is the sky"),
        {"role": "user", "content": "thanks"},
    ]
    both = (LOOK, ToolCall("c2", "wait", '{"where":"up"}'))
    assert messages(items) == (
        Message("user", "hi"),
        Message("assistant", "I look", reasoning="hm", tool_calls=both),
        Message("tool", "done", tool_call_id="c2", name="wait"),
        Message("tool", "sky", tool_call_id="c1", name="look"),
        Message("assistant", "It is the sky"),
        Message("user", "thanks"),
    )


def test_a_longer_input_only_adds_messages() -> None:
    """A client sends all items again: what is in the cache stays a prefix."""
    turn = [thought(summary=[]), said("a"), called(), came(), said("b")]
    items = [{"role": "user", "content": "hi"}, *turn, {"role": "user", "content": "more"}]
    assert messages([*items, said("c")])[: len(messages(items))] == messages(items)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"summary": [{"type": "summary_text", "text": "s"}]}, "s"),
        ({"content": [{"type": "reasoning_text", "text": "c"}]}, "c"),
        (
            {
                "summary": [{"type": "summary_text", "text": "s"}],
                "content": [{"type": "reasoning_text", "text": t} for t in "cd"],
            },
            "c\nd",
        ),
        ({"content": None}, ""),
    ],
)
def test_thoughts_belong_to_what_follows(texts: Any, expected: str) -> None:
    (message,) = messages([thought(**texts), said("a")])
    assert message == Message("assistant", "a", reasoning=expected)
    (message,) = messages([thought(**texts), called()])
    assert message == Message("assistant", "", reasoning=expected, tool_calls=(LOOK,))


def test_thoughts_that_nothing_follows_are_left_out() -> None:
    text = [{"type": "reasoning_text", "text": "hm"}]
    items = [thought(content=text), {"role": "user", "content": "hi"}, thought(content=text)]
    assert messages(items) == (Message("user", "hi"),)


def test_calls_of_custom_and_grouped_tools() -> None:
    custom = {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": 'a\n"ş"'}
    grouped = called("c2", "get", namespace="crm")
    items = [custom, grouped, came("c1", kind="custom_tool_call_output"), came("c2")]
    first, *results = messages(items)
    assert [call.name for call in first.tool_calls] == ["patch", "crm__get"]
    assert json.loads(first.tool_calls[0].arguments) == {"input": 'a\n"ş"'}
    assert [result.name for result in results] == ["patch", "crm__get"]


def test_instructions_come_first_and_developers_stay(server: Any) -> None:
    items = [{"role": r, "content": r} for r in ("developer", "user", "developer", "user")]
    assert respond(server, items, instructions="be kind").status == 200
    sent = server.engine.requests[-1].messages
    assert [(m.role, m.content) for m in sent] == [
        ("system", "be kind\n\ndeveloper"),
        ("user", "user"),
        ("system", "developer"),
        ("user", "user"),
    ]


def test_a_last_message_of_the_assistant_does_not_go_on(server: Any) -> None:
    assert respond(server, [{"role": "user", "content": "a"}, said("b")]).status == 200
    assert not server.engine.requests[-1].continues


def test_items_of_other_kinds_are_left_out_and_named(server: Any) -> None:
    items = [
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"role": "user", "content": "hi", "zeta": 1},
        {"type": "a b\r\n", "x": 1},
    ]
    reply = respond(server, items)
    named = "input.0.web_search_call, input.1.zeta, input.2.a%20b%0D%0A"
    assert (reply.status, reply.headers["x-ignored-fields"]) == (200, named)
    assert [m.content for m in server.engine.requests[-1].messages] == ["hi"]


def test_items_that_come_back_name_nothing(server: Any) -> None:
    items = [thought(status=None), said("a"), called(id="fc_1", status="completed"), came()]
    assert "x-ignored-fields" not in respond(server, items).headers


def test_what_a_tool_answers_ends_no_conversation(server: Any) -> None:
    """A picture in a result comes back with every later request of the conversation."""
    parts = [{"type": "input_text", "text": "a"}, PART, {"type": "refusal"}]
    goal = {"type": "function_call_output", "name": "goal_objective", "output": "Win."}
    items = [called(), came(output=parts), goal | {"namespace": "agent"}]
    reply = respond(server, items)
    assert reply.headers["x-ignored-fields"] == "input.1.output.1.image_url"
    result, context = messages(items)[1:]
    assert result.content == "a\n[input_image omitted: this model accepts text only]"
    assert context == Message("user", "Win.")


def test_strict_fields_look_into_items(start: Any) -> None:
    strict = start(strict_fields=True)
    item = {"role": "user", "content": [{"type": "input_text", "text": "a", "zeta": 1}]}
    error = respond(strict, [item]).error
    assert "got 'input.0.content.0.zeta'" in error["message"]
    assert respond(strict, [said("a"), called(), came()], tools=TOOLS).status == 200


PART = {"type": "input_image", "image_url": "data:"}


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (5, "input"),
        ({}, "input"),
        ([], "input"),
        ([thought()], "input"),
        ([{"type": "web_search_call"}], "input"),
        (["hi"], "input.0"),
        ([{"content": "hi"}], "input.0.role"),
        ([{"role": "tool", "content": "hi"}], "input.0.role"),
        ([{"role": "user"}], "input.0.content"),
        ([{"role": "user", "content": 5}], "input.0.content"),
        ([{"role": "user", "content": [PART]}], "input.0.content.0.type"),
        ([{"role": "user", "content": [{"type": "input_file"}]}], "input.0.content.0.type"),
        ([{"role": "user", "content": [{"type": "input_text"}]}], "input.0.content.0.text"),
        ([{"role": "user", "content": ["a"]}], "input.0.content.0"),
        ([{"type": "item_reference", "id": "msg_1"}], "input.0.id"),
        ([{"id": "msg_1"}], "input.0.id"),
        ([{"id": 5, "type": None}], "input.0.id"),
        ([{"type": "item_reference"}], "input.0.id"),
        ([{"type": "item_reference", "id": "rs_1"}], "input"),
        ([{"type": "item_reference", "id": "rs_1"}] * 2, "input.1.id"),
        ([{"type": 5}], "input.0.type"),
        ([came()], "input.0.call_id"),
        ([came(), called()], "input.0.call_id"),
        ([called(), came("c2")], "input.1.call_id"),
        ([called(), came(output=[{}])], "input.1.output.0.type"),
        ([called(), came(output=[5])], "input.1.output.0"),
        ([{"type": "function_call_output", "output": "x"}], "input.0.call_id"),
        ([{"type": "function_call_output", "output": "x", "name": 5}], "input.0.call_id"),
        ([called(), came(output=None)], "input.1.output"),
        ([called(call_id="")], "input.0.call_id"),
        ([called(call_id="x" * 257)], "input.0.call_id"),
        ([called(name="")], "input.0.name"),
        ([called(name="x" * 200, namespace="y" * 200)], "input.0.name"),
        ([called(arguments={})], "input.0.arguments"),
        ([{"type": "custom_tool_call", "call_id": "c", "name": "n"}], "input.0.input"),
        ([called(f"c{i}") for i in range(129)], "input.128"),
        ([{"role": "user", "content": "a"}] * 2049, "input"),
    ],
)
def test_refused(server: Any, given: Any, param: str) -> None:
    before = len(server.engine.requests)
    reply = respond(server, given)
    assert (reply.status, reply.error["param"]) == (400, param), reply.error
    assert reply.error["type"] == "invalid_request_error"
    assert len(server.engine.requests) == before


def test_too_much_text_is_about_the_input(server: Any) -> None:
    error = respond(server, "x" * (2 * 2**20 + 1)).error
    assert (error["param"], error["code"]) == ("input", "context_length_exceeded")


def test_messages_never_hold_what_was_said() -> None:
    for item in ({"role": "user", "content": {"secret": 1}}, {"role": "user", "content": [7]}):
        with pytest.raises(InvalidArgument) as caught:
            messages([item])
        assert "secret" not in str(caught.value)


def test_a_conversation_through_the_template(start: Any) -> None:
    server = start(FakeEngine)
    items = [{"role": "user", "content": "a"}, called(), came()]
    assert respond(server, items, tools=TOOLS[:1]).status == 200
    texts = [m.content for m in server.engine.requests[-1].messages]
    assert '{"name": "look", "arguments": {"where":"up"}}' in texts[2]
    assert "<tool_response>\nsky\n</tool_response>" in texts[3]
