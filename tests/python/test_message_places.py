# SPDX-License-Identifier: AGPL-3.0-only
"""Errors about a message name the caller's: behind joined and added ones, blocks and items."""

from __future__ import annotations

from typing import Any

import pytest

from sentiric_llama.errors import InvalidArgument, Overloaded
from sentiric_llama.http.anthropic.body import parse_messages
from sentiric_llama.http.openai import parse_chat
from sentiric_llama.http.responses.request import parse_response
from sentiric_llama.service.prompt.message_places import MessagePlaces
from sentiric_llama.service.prompt.stable_prefix import stable
from sentiric_llama.types import Message

SYSTEM, USER, ANSWER = Message("system", "s"), Message("user", "u"), Message("assistant", "a")


@pytest.mark.parametrize(
    ("given", "num_built", "where", "expected"),
    [
        ([USER, ANSWER], 2, "messages[1].content", "messages[1].content"),
        ([USER, ANSWER], 3, "messages[2].name", "messages[1].name"),  # a prompt was added
        ([USER, ANSWER], 3, "messages[0].content", "system_prompt"),
        ([SYSTEM, USER], 2, "messages[0].content", "messages[0].content"),
        ([SYSTEM, SYSTEM, USER, ANSWER], 3, "messages[2]", "messages[3]"),  # they were joined
        (
            [SYSTEM, Message("developer", "d"), USER],
            2,
            "messages[0].content",
            "messages[0].content",
        ),
        ([SYSTEM, SYSTEM, USER], 1, "messages[0].content", "messages[2].content"),  # without text
        ([USER], 2, "tools[0].name", "tools[0].name"),
        ([USER], 2, "messages", "messages"),
    ],
)
def test_numbers_of_a_call(given: list[Message], num_built: int, where: str, expected: str) -> None:
    places = MessagePlaces(num_built, given, range(len(given)), "system_prompt")
    assert places.place(where) == expected


def test_messages_that_change_their_place() -> None:
    reminder = "<system-reminder>\n# x\n</system-reminder>hi"
    agent = {"role": "system", "content": "You are Claude Code, and so on."}
    turn = [{"role": "user", "content": reminder}, {"role": "system", "content": "a"}]
    made = stable(parse_messages({"messages": [agent, *turn]}).call)
    assert [message.role for message in made.call.messages] == ["system", "system", "user"]
    places = MessagePlaces(3, made.call.messages, made.order, "messages")
    assert places.place("messages[0].content") == "messages[0].content"
    assert places.place("messages[2].content") == "messages[1].content"
    joined = places.place("messages[1].content")
    assert joined == "messages[0].content", "of several that are joined, the first is named"


def test_an_error_keeps_what_it_is() -> None:
    error = Overloaded("full", where="messages[1]")
    error.retry_ms = 70
    changed = MessagePlaces(2, [USER], [0], "messages").blame(error)
    assert isinstance(changed, Overloaded)
    assert (changed.where, changed.what, changed.retry_ms) == ("messages[0]", "full", 70)


THOUGHT = {"type": "thinking", "thinking": "t", "signature": ""}
ASKED = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
TOLD = {"type": "tool_result", "tool_use_id": "c", "content": "r"}
TEXT = {"type": "text", "text": "x"}
MESSAGES = parse_messages(
    {
        "system": "s",
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [THOUGHT, TEXT, ASKED, ASKED | {"id": "d"}]},
            {"role": "user", "content": [TOLD, TOLD | {"tool_use_id": "d"}, TEXT, TEXT]},
            {"role": "user", "content": []},
            {"role": "user", "content": "bye"},
        ],
    }
)
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
ITEMS = [
    {"role": "user", "content": "hi"},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}]},
    {"role": "assistant", "content": "x"},
    CALL,
    {"type": "custom_tool_call", "call_id": "d", "name": "g", "input": "i"},
    {"type": "function_call_output", "call_id": "c", "output": "r"},
    {"role": "user", "content": "bye"},
]
RESPONSE = parse_response({"input": ITEMS})
INSTRUCTED = parse_response({"input": ITEMS, "instructions": "i"})
CHAT = parse_chat({"messages": [{"role": "user", "content": "hi"}]})


@pytest.mark.parametrize(
    ("request_", "where", "expected"),
    [
        (CHAT, "messages[0].reasoning", "messages.0.reasoning_content"),
        (CHAT, "messages[0].tool_calls[2].arguments", "messages.0.tool_calls.2.function.arguments"),
        (CHAT, "messages[0].tool_calls[2].id", "messages.0.tool_calls.2.id"),
        (MESSAGES, "messages[0].content", "system"),
        (MESSAGES, "messages[1].content", "messages.0.content"),
        (MESSAGES, "messages[2].reasoning", "messages.1.content.0.thinking"),
        (MESSAGES, "messages[2].content", "messages.1.content.1.text"),
        (MESSAGES, "messages[2].tool_calls[1].arguments", "messages.1.content.3.input"),
        (MESSAGES, "messages[2].tool_calls[0].name", "messages.1.content.2.name"),
        (MESSAGES, "messages[2].tool_calls", "messages.1.content"),
        (MESSAGES, "messages[3].content", "messages.2.content.0.content"),
        (MESSAGES, "messages[4].tool_call_id", "messages.2.content.1.tool_use_id"),
        (MESSAGES, "messages[5].content", "messages.2.content.2.text"),
        (MESSAGES, "messages[6].content", "messages.3.content"),
        (MESSAGES, "messages[7].content", "messages.4.content"),
        (RESPONSE, "messages[0].content", "input.0.content"),
        (RESPONSE, "messages[1].reasoning", "input.1"),
        (RESPONSE, "messages[1].content", "input.2.content"),
        (RESPONSE, "messages[1].tool_calls[0].arguments", "input.3.arguments"),
        (RESPONSE, "messages[1].tool_calls[1].id", "input.4.call_id"),
        (RESPONSE, "messages[2].content", "input.5.output"),
        (RESPONSE, "messages[3].content", "input.6.content"),
        (RESPONSE, "messages", "input"),
        (INSTRUCTED, "messages[0].content", "instructions"),
        (INSTRUCTED, "messages[1].content", "input.0.content"),
        (parse_response({"input": "hi"}), "messages[0].content", "input"),
    ],
)
def test_words_of_a_protocol(request_: Any, where: str, expected: str) -> None:
    assert request_.blame(InvalidArgument("no", where=where)).where == expected
