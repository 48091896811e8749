# SPDX-License-Identifier: AGPL-3.0-only
"""Answers, whole and as events: their order, their numbers, their ends."""

from __future__ import annotations

import re
from typing import Any

import pytest

from responses_calls import TOOLS, ThinkingEngine, call, kinds_of, respond, text_of, without_ids
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import (
    ContextLengthExceeded,
    DeadlineExceeded,
    InternalError,
    Overloaded,
    TemplateFailed,
    Unavailable,
)
from sentiric_llama.types import TruncationReport

REPLIES = {
    "text": "Hello, world.",
    "nothing": "",
    "thought": "<think>hm, yes</think>So be it.",
    "only a thought": "<think>hm",
    "calls": call("look", {"where": "up"}) + "\n" + call("patch", {"input": "a\nb"}),
    "all": "<think>hm</think>I look.\n" + call("look", {}) + call("crm__note", {"input": "ş\\"}),
    "text behind a call": call("look", {}) + "\nThat was it.",
}


@pytest.fixture(params=REPLIES)
def talker(request: Any, start: Any) -> Any:
    return start(lambda: ThinkingEngine(REPLIES[request.param]))


def test_a_whole_answer(server: Any) -> None:
    reply = respond(server)
    body = reply.json
    assert re.fullmatch(r"resp_[0-9a-f]{32}", body["id"])
    assert (body["object"], body["status"], body["model"]) == (
        "response",
        "completed",
        "fake-model",
    )
    assert body["error"] is None and body["incomplete_details"] is None
    (message,) = body["output"]
    assert (message["type"], message["role"], message["status"]) == (
        *("message", "assistant", "completed"),
    )
    part = {"type": "output_text", "text": "You said: hello", "annotations": [], "logprobs": []}
    assert message["content"] == [part]
    assert body["usage"] == {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 15,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 20,
    }
    assert body["truncation_report"]["dropped_turns"] == 0 and "timings" in body


def test_thoughts_are_an_item_of_their_own(start: Any) -> None:
    body = respond(start(lambda: ThinkingEngine(REPLIES["thought"]))).json
    thought, message = body["output"]
    assert (thought["type"], thought["summary"]) == ("reasoning", [])
    assert thought["content"] == [{"type": "reasoning_text", "text": "hm, yes"}]
    assert message["content"][0]["text"] == "So be it."


def test_nothing_said_is_an_empty_message(start: Any) -> None:
    body = respond(start(lambda: FakeEngine(""))).json
    assert kinds_of(body) == ["message"] and text_of(body) == ""


def test_an_answer_that_is_cut(server: Any) -> None:
    body = respond(server, max_output_tokens=3).json
    assert (body["status"], body["completed_at"]) == ("incomplete", None)
    assert body["incomplete_details"] == {"reason": "max_output_tokens"}
    assert body["output"][0]["status"] == "incomplete" and text_of(body) == "You"


def events_of(reply: Any) -> list[Any]:
    """The events, checked for what holds of all of them."""
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    blocks = [block for block in reply.body.decode().split("\n\n") if not block.startswith(":")]
    names = [block.split("\n")[0] for block in blocks if block]
    events = reply.events
    assert names == [f"event: {event['type']}" for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def test_a_stream_says_what_the_whole_answer_says(talker: Any) -> None:
    whole = respond(talker, tools=TOOLS).json
    events = events_of(respond(talker, tools=TOOLS, stream=True))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert all(e["response"]["status"] == "in_progress" for e in events[:2])
    assert events[-1]["type"] == "response.completed"
    assert without_ids(events[-1]["response"]) == without_ids(whole)
    ids = {event["response"]["id"] for event in events if "response" in event}
    assert len(ids) == 1


ORDER = {
    "message": ("output_text", "content_part"),
    "reasoning": ("reasoning_text", "content_part"),
    "function_call": ("function_call_arguments", ""),
    "custom_tool_call": ("custom_tool_call_input", ""),
}


def test_events_of_each_item_are_in_order(talker: Any) -> None:
    """Added, its part added, deltas, done, its part done, done; and joined they are the whole."""
    events = events_of(respond(talker, tools=TOOLS, stream=True))
    output = events[-1]["response"]["output"]
    inner = events[2:-1]
    assert [e["output_index"] for e in inner] == sorted(e["output_index"] for e in inner)
    for index, item in enumerate(output):
        mine = [event for event in inner if event["output_index"] == index]
        delta, part = ORDER[item["type"]]
        names = [event["type"].removeprefix("response.") for event in mine]
        deltas = names.count(f"{delta}.delta")
        parts = [f"{part}.added"] if part else []
        assert names == [
            *("output_item.added", *parts, *[f"{delta}.delta"] * deltas, f"{delta}.done"),
            *(name.replace("added", "done") for name in parts),
            "output_item.done",
        ]
        check_item(item, mine, delta)


def check_item(item: Any, events: list[Any], delta: str) -> None:
    first, *middle, last = events
    assert first["item"]["status"] == "in_progress" and last["item"] == item
    assert first["item"]["id"] == item["id"]
    assert {event["item_id"] for event in middle} == {item["id"]}
    assert all(event.get("content_index", 0) == 0 for event in middle)
    (done,) = [event for event in events if event["type"] == f"response.{delta}.done"]
    joined = "".join(event["delta"] for event in middle if "delta" in event)
    field = {"function_call_arguments": "arguments", "custom_tool_call_input": "input"}
    text = done[field.get(delta, "text")]
    assert joined == text
    content = item.get("content")
    assert text == (content[0]["text"] if content else item.get("arguments", item.get("input")))
    if content:
        assert events[-2]["part"] == content[0]


def test_a_stream_that_is_cut(server: Any) -> None:
    events = events_of(respond(server, stream=True, max_output_tokens=3))
    last = events[-1]
    assert last["type"] == "response.incomplete" and last["response"]["usage"]["output_tokens"] == 3
    assert events[-2]["item"]["status"] == "incomplete"


def test_logprobs_of_a_stream(server: Any) -> None:
    fields: Any = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    whole = respond(server, **fields).json["output"][0]["content"][0]["logprobs"]
    events = events_of(respond(server, stream=True, **fields))
    deltas = [event for event in events if event["type"] == "response.output_text.delta"]
    assert [token for event in deltas for token in event["logprobs"]] == whole
    (done,) = [event for event in events if event["type"] == "response.output_text.done"]
    assert done["logprobs"] == whole and len(whole[0]["top_logprobs"]) == 2


def test_no_token_is_kept_waiting(start: Any) -> None:
    """Text goes out as it comes: one event for each token here."""
    server = start(lambda: FakeEngine("abc", delay_s=0.01))
    events = events_of(respond(server, stream=True))
    deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
    assert deltas == ["a", "b", "c"]


def test_keep_alives_are_comments(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiric_llama.http.sse.KEEP_ALIVE_S", 0.05)
    server = start(lambda: FakeEngine("ab", first_delay_s=0.3))
    reply = respond(server, stream=True)
    assert b": keep-alive\n\n" in reply.body
    assert events_of(reply)[-1]["type"] == "response.completed"


def test_nothing_is_dropped_silently(start: Any) -> None:
    report = TruncationReport(dropped_turns=2, dropped_tokens=30, shifted_tokens=4)
    server = start(lambda: FakeEngine(truncation=report))
    whole, streamed = respond(server), respond(server, stream=True)
    expected = {"dropped_turns": 2, "dropped_tokens": 30, "shifted_tokens": 4}
    for reply, body in ((whole, whole.json), (streamed, streamed.events[-1]["response"])):
        assert "dropped_turns=2" in reply.headers["x-truncated"]
        assert body["truncation_report"] == expected


def test_the_guide_says_what_it_is(start: Any) -> None:
    from sentiric_llama.service.models.loader import GUIDE_NOTICE
    from sentiric_llama.service.models.slot import ServedModel

    server = start()
    server.service.attached.served = ServedModel("sentiric-guide", notice=GUIDE_NOTICE)
    reply = respond(server)
    assert reply.json["notice"] == GUIDE_NOTICE == reply.headers["x-sentiric-model-notice"]


FAILURES = [
    (ContextLengthExceeded("long", where="messages"), "context_length_exceeded"),
    (Overloaded("full"), "rate_limit_exceeded"),
    (Unavailable("closed"), "server_error"),
    (DeadlineExceeded("late"), "server_error"),
    (InternalError("bug"), "server_error"),
    (TemplateFailed("no"), "invalid_prompt"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("error", "code"), FAILURES, ids=str)
def test_errors_before_the_first_token(start: Any, error: Any, code: str, stream: bool) -> None:
    reply = respond(start(lambda: FakeEngine(fail=error)), stream=stream)
    assert reply.status == error.mapping.http
    assert reply.json["error"]["code"] == error.code.value
    assert reply.json["error"]["type"] == error.mapping.openai_type


@pytest.mark.parametrize(("error", "code"), FAILURES, ids=str)
def test_errors_in_the_middle_of_a_stream(start: Any, error: Any, code: str) -> None:
    server = start(lambda: FakeEngine(fail=error, fail_after=4, delay_s=0.002))
    events = events_of(respond(server, stream=True))
    last = events[-1]
    assert last["type"] == "response.failed" and last["response"]["status"] == "failed"
    failure = last["response"]["error"]
    assert (failure["code"], failure["type"]) == (code, error.code.value)
    assert error.what in failure["message"]
    (message,) = last["response"]["output"]
    assert message["status"] == "incomplete" and text_of(last["response"]) == "You "
    assert last["response"]["usage"] is None


def test_an_error_in_the_middle_of_a_whole_answer(start: Any) -> None:
    reply = respond(start(lambda: FakeEngine(fail=InternalError("bug"), fail_after=4)))
    assert (reply.status, reply.json["error"]["code"]) == (500, "internal")


def test_a_prompt_that_is_too_long_says_how_long(start: Any) -> None:
    what = "the prompt (500 tokens) exceeds the available context size (100 tokens)"
    server = start(lambda: FakeEngine(fail=ContextLengthExceeded(what, where="messages")))
    error = respond(server, stream=True).error
    assert (error["code"], error["param"]) == ("context_length_exceeded", "input")
    assert (error["n_prompt_tokens"], error["n_ctx"]) == (500, 100)


def test_access_and_readiness_as_on_every_route(start: Any) -> None:
    closed = start(api_key="right")
    assert respond(closed).status == 401
    loading = start(ready=False)
    assert respond(loading).error["code"] == "unavailable"
