# SPDX-License-Identifier: AGPL-3.0-only
"""Messages, whole and streamed: their blocks, why they end, what they count."""

from __future__ import annotations

import re
from typing import Any

import pytest

from messages_client import TOOL, USER, ThinkingEngine, ask_server, called, named_events
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.http.anthropic import events
from sentiric_llama.http.anthropic.whole import WholeMessage
from sentiric_llama.service.chat_stream import ChoiceDelta
from sentiric_llama.types import Delta, Final, TruncationReport, Usage
from sentiric_llama.types.answer import Kind, Piece

CALL = called("weather", '{"city": "İzmir"}')
THINKING = {"type": "adaptive"}


def answer_of(start: Any, text: str, **fields: Any) -> Any:
    """The message of a model that says this, the same whole and streamed."""
    server = start(lambda: ThinkingEngine(text))
    whole = ask_server(server, **fields)
    assert whole.status == 200, whole.body
    streamed = add_up(named_events(ask_server(server, stream=True, **fields)))
    assert without_ids(streamed) == without_ids(whole.json)
    return whole.json


def add_up(found: list[Any]) -> Any:
    """What a client makes of the events of a stream."""
    message = WholeMessage()
    message.add(found)
    return message.json


def without_ids(message: Any) -> Any:
    blocks = [{key: block[key] for key in block.keys() - {"id"}} for block in message["content"]]
    return message | {"id": "", "content": blocks}


def test_a_text(start: Any) -> None:
    message = answer_of(start, "Hi there.")
    assert re.fullmatch(r"msg_[0-9a-f]{32}", message.pop("id"))
    assert message == {
        "type": "message",
        "role": "assistant",
        "model": "fake-model",
        "content": [{"type": "text", "text": "Hi there."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 9,
        },
    }


def test_blocks_are_in_the_order_of_the_answer(start: Any) -> None:
    text = f"<think>Which city?</think>\n\nLet me see.\n{CALL}\n{called('weather', '{}')}"
    message = answer_of(start, text, tools=[TOOL], thinking=THINKING)
    thought, said, first, second = message["content"]
    assert thought == {"type": "thinking", "thinking": "Which city?", "signature": ""}
    assert said == {"type": "text", "text": "Let me see."}
    assert re.fullmatch(r"toolu_[0-9a-f]{24}", first.pop("id"))
    assert first == {"type": "tool_use", "name": "weather", "input": {"city": "İzmir"}}
    assert second["input"] == {} and second["id"].startswith("toolu_")
    assert message["stop_reason"] == "tool_use"


def test_a_call_alone(start: Any) -> None:
    message = answer_of(start, CALL, tools=[TOOL], tool_choice={"type": "any"})
    assert [block["type"] for block in message["content"]] == ["tool_use"]


def test_without_tools_a_call_is_text(start: Any) -> None:
    assert answer_of(start, CALL)["content"] == [{"type": "text", "text": CALL}]


def test_an_answer_that_says_nothing(start: Any) -> None:
    message = answer_of(start, "")
    assert (message["content"], message["stop_reason"]) == ([], "end_turn")


@pytest.mark.parametrize(
    ("fields", "text", "reason", "sequence"),
    [
        ({"max_tokens": 3}, "Hi ", "max_tokens", None),
        ({"max_tokens": 0}, None, "max_tokens", None),
        ({"stop_sequences": ["zz", "the"]}, "Hi ", "stop_sequence", "the"),
        ({}, "Hi there.", "end_turn", None),
    ],
)
def test_why_it_ended(
    start: Any, fields: dict[str, Any], text: str | None, reason: str, sequence: str | None
) -> None:
    message = answer_of(start, "Hi there.", **fields)
    assert (message["stop_reason"], message["stop_sequence"]) == (reason, sequence)
    assert message["content"] == ([{"type": "text", "text": text}] if text else [])


@pytest.mark.parametrize("cut", range(len(CALL) - 13, 30, -3))
def test_arguments_that_are_cut_off(start: Any, cut: int) -> None:
    message = answer_of(start, CALL, tools=[TOOL], max_tokens=cut)
    (block,) = message["content"]
    if block["type"] == "tool_use":
        assert block["input"] in ({}, {"city": "İzmir"})
    assert message["stop_reason"] == "max_tokens"


def made(*pieces: Piece, ending: Any = "stop", **final: Any) -> dict[str, Any]:
    message = events.MessageEvents("m", "0" * 32)
    end = Final(ending if ending != "tool_calls" else "stop", Usage(9, 4, 5), None, **final)  # type: ignore[arg-type]
    parts = [
        *message.start(Usage()),
        *message.feed(pieces),
        *message.end(ending, end, Usage(9, 4, 5)),
    ]
    return add_up(parts)


@pytest.mark.parametrize("text", ["", '{"a": ', "[1]", '{"a": NaN}', '{"a": 1e999}', "[" * 99999])
def test_arguments_that_are_no_object(text: str) -> None:
    pieces = (Piece(Kind.CALL, "f"), Piece(Kind.ARGUMENTS, text))
    message = made(*pieces, ending="tool_calls")
    assert message["content"][0]["input"] == {} and message["stop_reason"] == "max_tokens"


def test_texts_and_thoughts_may_alternate_and_warnings_are_no_blocks() -> None:
    message = made(
        *(Piece(Kind.TEXT, "a"), Piece(Kind.TEXT, "b"), Piece(Kind.MALFORMED, "why")),
        *(Piece(Kind.THOUGHT, "c"), Piece(Kind.TEXT, "d")),
    )
    assert [block.get("text", "-") for block in message["content"]] == ["ab", "-", "d"]


def test_tokens_from_the_cache_are_counted_apart() -> None:
    usage = made()["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (4, 5)
    assert usage["output_tokens"] == 4


def test_an_answer_that_repeats_itself_is_cut() -> None:
    assert made(ending="repetition")["stop_reason"] == "max_tokens"


def test_the_events_of_a_stream(start: Any) -> None:
    server = start(lambda: ThinkingEngine(f"<think>a</think>b{CALL}"))
    reply = ask_server(server, tools=[TOOL], thinking=THINKING, stream=True)
    assert reply.headers["cache-control"] == "no-cache"
    first, ping, *rest, change, last = named_events(reply)
    assert first["type"] == "message_start" and first["message"]["content"] == []
    assert first["message"]["stop_reason"] is None
    assert (ping, last) == ({"type": "ping"}, {"type": "message_stop"})
    assert change["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    kinds = [(e["index"], e.get("delta", e.get("content_block", e))["type"]) for e in rest]
    assert list(dict.fromkeys(kinds)) == [
        *((0, k) for k in ("thinking", "thinking_delta", "signature_delta", "content_block_stop")),
        *((1, k) for k in ("text", "text_delta", "content_block_stop")),
        *((2, k) for k in ("tool_use", "input_json_delta", "content_block_stop")),
    ]
    assert rest[0]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    call = next(e["content_block"] for e in rest if e.get("index") == 2)
    assert (call["name"], call["input"]) == ("weather", {})


def test_the_start_has_the_counts_of_the_prompt_that_are_known() -> None:
    counted = Delta("a", prompt_tokens=9, cached_tokens=5)
    usage = events.opening_usage([ChoiceDelta(0, counted)])
    assert events.usage_json(usage)["input_tokens"] == 4
    for items in ([], [ChoiceDelta(0, Delta("a"))]):
        assert events.opening_usage(items) == Usage()


def test_pings_keep_the_connection_alive(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiric_llama.http.sse.KEEP_ALIVE_S", 0.05)
    server = start(lambda: FakeEngine("ab", delay_s=0.2))
    found = named_events(ask_server(server, stream=True))
    assert sum(event == {"type": "ping"} for event in found) > 1
    assert add_up(found)["content"] == [{"type": "text", "text": "ab"}]


def test_headers_of_an_answer(start: Any) -> None:
    server = start(lambda: FakeEngine(truncation=TruncationReport(1, 5, 0)))
    for stream in (False, True):
        body = {"messages": USER, "stream": stream, "zeta": 1}
        reply = server.post("/v1/messages", body, {"x-request-id": "me"})
        assert reply.headers["x-truncated"] == "dropped_turns=1; dropped_tokens=5; shifted_tokens=0"
        assert reply.headers["x-ignored-fields"] == "zeta"
        assert reply.headers["request-id"] == reply.headers["x-request-id"] == "me"
    assert "request-id" not in server.chat().headers
