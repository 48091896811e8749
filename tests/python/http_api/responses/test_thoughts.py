# SPDX-License-Identifier: AGPL-3.0-only
"""Thoughts as content, as their own summary, and sealed; and how they come back."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from responses_calls import ThinkingEngine, respond
from sentiric_llama.http.responses.items import opened, sealed
from sentiric_llama.http.responses.request import parse_response

THOUGHT = "hm, ş\n  so"
SUMMARY = {"reasoning": {"summary": "auto"}}
SEALED = {"include": ["reasoning.encrypted_content"]}


@pytest.fixture
def talker(start: Any) -> Any:
    return start(lambda: ThinkingEngine(f"<think>{THOUGHT}</think>So be it."))


def thought_of(body: Any) -> Any:
    (item,) = [item for item in body["output"] if item["type"] == "reasoning"]
    return item


@pytest.mark.parametrize(
    "asked",
    [
        *({"summary": word} for word in ("auto", "concise", "detailed")),
        *({"generate_summary": "auto"}, {"summary": None, "generate_summary": "detailed"}),
    ],
)
def test_a_summary_is_the_thought_and_instead_of_it(talker: Any, asked: Any) -> None:
    body = respond(talker, reasoning=asked).json
    item = thought_of(body)
    assert item["summary"] == [{"type": "summary_text", "text": THOUGHT}]
    assert item["content"] == [] and "encrypted_content" not in item
    assert body["reasoning"]["summary"] == asked.get("summary")


@pytest.mark.parametrize("asked", [{}, {"summary": None}, {"summary": "none"}])
def test_without_a_wish_the_thought_is_content(talker: Any, asked: Any) -> None:
    item = thought_of(respond(talker, reasoning=asked).json)
    assert item["summary"] == []
    assert item["content"] == [{"type": "reasoning_text", "text": THOUGHT}]


def test_events_of_a_summary(talker: Any) -> None:
    events = respond(talker, stream=True, **SUMMARY).events
    mine = [event for event in events if event.get("output_index") == 0]
    deltas = [e for e in mine if e["type"] == "response.reasoning_summary_text.delta"]
    assert [event["type"].removeprefix("response.") for event in mine] == [
        *("output_item.added", "reasoning_summary_part.added"),
        *["reasoning_summary_text.delta"] * len(deltas),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
    ]
    assert all(event["summary_index"] == 0 for event in mine[1:-1])
    assert not any("content_index" in event for event in mine)
    assert "".join(event["delta"] for event in deltas) == mine[-3]["text"] == THOUGHT
    assert mine[1]["part"] == {"type": "summary_text", "text": ""}
    assert mine[-2]["part"] == mine[-1]["item"]["summary"][0]
    assert mine[-1]["item"] == thought_of(events[-1]["response"])
    assert mine[0]["item"]["summary"] == mine[0]["item"]["content"] == []


@pytest.mark.parametrize("form", [{}, SUMMARY])
@pytest.mark.parametrize("stream", [False, True])
def test_a_sealed_thought_stands_beside_the_open_one(talker: Any, form: Any, stream: bool) -> None:
    reply = respond(talker, stream=stream, **SEALED, **form)
    item = thought_of(reply.events[-1]["response"] if stream else reply.json)
    assert opened(item["encrypted_content"]) == THOUGHT
    (part,) = item["summary"] or item["content"]
    assert part["text"] == THOUGHT
    assert "x-ignored-fields" not in reply.headers


@pytest.mark.parametrize(
    "kept", [{"content"}, {"summary"}, {"encrypted_content"}, {"summary", "encrypted_content"}]
)
def test_a_thought_comes_back_from_whatever_a_client_keeps(talker: Any, kept: set[str]) -> None:
    asked = SEALED | (SUMMARY if "summary" in kept else {})
    item = thought_of(respond(talker, **asked).json)
    texts = {name: item[name] for name in kept}
    given = [{"type": "reasoning", "summary": [], **texts}, {"role": "assistant", "content": "a"}]
    (message,) = parse_response({"input": given}).call.messages
    assert message.reasoning == THOUGHT


@pytest.mark.parametrize(
    "seal",
    [
        *(None, 5, "", "gAAAAABo", {"a": 1}, "thought:", "thought:?", "thought:AAA"),
        *("thought:" + base64.b64encode(text).decode() for text in (b"\xff", b"\xed\xa0\x80")),
    ],
)
def test_a_seal_of_others_says_nothing(seal: Any) -> None:
    assert opened(seal) == ""
    item = {"type": "reasoning", "summary": [], "encrypted_content": seal}
    given = [item, {"role": "assistant", "content": "a"}]
    (message,) = parse_response({"input": given}).call.messages
    assert message.reasoning == ""


@pytest.mark.parametrize("text", ["", "a", THOUGHT, "\U0001f600" * 1000, "\0<|im_end|>"])
def test_what_is_sealed_is_opened(text: str) -> None:
    assert opened(sealed(text)) == text
