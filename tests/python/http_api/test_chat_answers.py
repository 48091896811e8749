# SPDX-License-Identifier: AGPL-3.0-only
"""Shapes of chat answers, streamed and whole."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.http import shapes
from sentiric_llama.types import Timings, TruncationReport

TIMINGS = {
    *("cache_n", "prompt_n", "prompt_ms", "prompt_per_token_ms", "prompt_per_second"),
    *("predicted_n", "predicted_ms", "predicted_per_token_ms", "predicted_per_second"),
}


def test_whole_answer(server: Any) -> None:
    reply = server.chat()
    body = reply.json
    assert re.fullmatch(r"chatcmpl-[0-9a-f]{32}", body["id"])
    assert body["object"] == "chat.completion" and body["model"] == "fake-model"
    assert isinstance(body["created"], int) and body["system_fingerprint"]
    (choice,) = body["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "You said: hello",
        "refusal": None,
    }
    assert choice["finish_reason"] == "stop" and choice["logprobs"] is None
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] == 5 + 15
    assert usage["prompt_tokens_details"] == {"cached_tokens": 0}
    assert body["timings"].keys() >= TIMINGS
    assert body["truncation"] == {"dropped_turns": 0, "dropped_tokens": 0, "shifted_tokens": 0}
    assert "x-truncated" not in reply.headers and "notice" not in body


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
def test_stream_framing(server: Any, path: str) -> None:
    reply = server.post(path, {"messages": [{"role": "user", "content": "ığüşç"}], "stream": True})
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-accel-buffering"] == "no"
    assert all(line == "" or line.startswith("data: ") for line in reply.body.decode().split("\n"))
    *chunks, done = reply.events
    assert done == "[DONE]"
    assert len({(c["id"], c["created"], c["model"]) for c in chunks}) == 1
    assert {c["object"] for c in chunks} == {"chat.completion.chunk"}
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert chunks[-1]["choices"][0]["delta"] == {}
    reasons = [c["choices"][0]["finish_reason"] for c in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]
    assert all("usage" not in c for c in chunks)
    assert chunks[-1]["timings"].keys() >= TIMINGS and "timings" not in chunks[0]
    assert reply.text == "You said: ığüşç"


def test_include_usage_adds_one_chunk(server: Any) -> None:
    events = server.chat(stream=True, stream_options={"include_usage": True}).events
    *chunks, last, done = events
    assert done == "[DONE]" and last["choices"] == [] and last["usage"]["completion_tokens"] == 15
    assert "timings" in last and all("usage" not in c and "timings" not in c for c in chunks)


@pytest.mark.parametrize(
    "fields",
    [{}, {"max_tokens": 4}, {"stop": ["said"]}, {"n": 3}, {"logprobs": True, "top_logprobs": 2}],
)
def test_stream_equals_whole(server: Any, fields: dict[str, Any]) -> None:
    whole = server.chat(**fields)
    streamed = server.chat(stream=True, stream_options={"include_usage": True}, **fields)
    chunks = streamed.events[:-1]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    for index, choice in enumerate(whole.json["choices"]):
        mine = [c for c in choices if c["index"] == index]
        text = "".join(c["delta"].get("content", "") for c in mine)
        assert text == choice["message"]["content"]
        assert mine[-1]["finish_reason"] == choice["finish_reason"]
        parts = [c["logprobs"]["content"] for c in mine if c["logprobs"]]
        tokens = [token for part in parts for token in part]
        assert (tokens or None) == (choice["logprobs"] and choice["logprobs"]["content"])
    assert chunks[-1]["usage"] == whole.json["usage"]


def test_choices_run_side_by_side_with_their_own_seeds(start: Any) -> None:
    server = start(lambda: FakeEngine(delay_s=0.01, contexts=8))
    reply = server.chat(n=8, seed=5)
    assert [c["index"] for c in reply.json["choices"]] == list(range(8))
    assert sorted(r.sampling.seed for r in server.engine.requests) == list(range(5, 13))
    assert server.engine.most_active == 8
    assert reply.json["usage"]["prompt_tokens"] == 5
    assert reply.json["usage"]["completion_tokens"] == 8 * 15


def test_control_characters_are_taken_out(start: Any) -> None:
    server = start(lambda: FakeEngine("a\x00b\x1b[31m\tc\r\n\x7fd\x85"))
    assert server.chat().text == server.chat(stream=True).text == "ab[31m\tc\r\nd\x85"


def test_nothing_is_dropped_silently(start: Any) -> None:
    report = TruncationReport(dropped_turns=2, dropped_tokens=30, shifted_tokens=4)
    server = start(lambda: FakeEngine(truncation=report))
    expected = {"dropped_turns": 2, "dropped_tokens": 30, "shifted_tokens": 4}
    for reply in (server.chat(), server.chat(stream=True)):
        header = reply.headers["x-truncated"]
        assert header == "dropped_turns=2; dropped_tokens=30; shifted_tokens=4"
    assert server.chat().json["truncation"] == expected
    assert server.chat(stream=True).events[-2]["truncation"] == expected


def test_guide_says_what_it_is(start: Any) -> None:
    from sentiric_llama.service.models.loader import GUIDE_NOTICE
    from sentiric_llama.service.models.slot import ServedModel

    server = start()
    server.service.attached.served = ServedModel("sentiric-guide", notice=GUIDE_NOTICE)
    whole, streamed = server.chat(), server.chat(stream=True)
    assert whole.json["model"] == "sentiric-guide" and whole.json["notice"] == GUIDE_NOTICE
    assert streamed.events[0]["notice"] == GUIDE_NOTICE and "notice" not in streamed.events[1]
    for reply in (whole, streamed):
        assert reply.headers["x-sentiric-model-notice"] == GUIDE_NOTICE


def test_keep_alive_comment(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiric_llama.http.sse.KEEP_ALIVE_S", 0.05)
    server = start(lambda: FakeEngine("ab", delay_s=0.2))
    reply = server.chat(stream=True)
    assert b": keep-alive\n\n" in reply.body and reply.text == "ab"


@pytest.mark.parametrize(
    "timings",
    [
        Timings(),
        Timings(prompt_n=1, prompt_ms=0.0, predicted_n=1, predicted_ms=0.0),
        Timings(prompt_n=1, prompt_ms=math.nan, predicted_n=9, predicted_ms=math.inf),
        Timings(prompt_n=1, prompt_ms=-1, predicted_n=9, predicted_ms=-1),
    ],
)
def test_timings_are_finite(timings: Timings) -> None:
    for value in shapes.timings_json(timings).values():
        assert math.isfinite(value) and value >= 0


def test_rate_counts_steps_between_tokens() -> None:
    one = shapes.timings_json(Timings(predicted_n=1, predicted_ms=50))
    assert one["predicted_per_second"] == one["predicted_per_token_ms"] == 0
    three = shapes.timings_json(Timings(predicted_n=3, predicted_ms=100))
    assert three["predicted_per_second"] == 20 and three["predicted_per_token_ms"] == 50
