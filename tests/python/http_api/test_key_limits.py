# SPDX-License-Identifier: AGPL-3.0-only
"""Limits of keys over HTTP: what is refused and how, what headers say, what frees a place."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from http_client import StreamThread, open_chat, open_post, reset, wait_until
from key_files import Clock, bearer, entry, key_of, write_keys
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.engine.stream import AsyncStream
from sentiric_llama.http.middleware.rate_headers import RATE_HEADERS, duration
from sentiric_llama.types import Request

USER = [{"role": "user", "content": "hello"}]


class Limited:
    """A server whose keys have limits, and its clock."""

    def __init__(self, start: Any, path: Path, *entries: Any, engine: Any = FakeEngine) -> None:
        self.server = start(engine, keys_file=write_keys(path, *entries))
        self.clock = self.server.service.limiter.clock = Clock()

    def chat(self, name: str, **fields: Any) -> Any:
        body = {"messages": USER, **fields}
        return self.server.post("/v1/chat/completions", body, bearer(name))

    def get(self, path: str, name: str) -> Any:
        return self.server.request("GET", path, headers=bearer(name))


@pytest.fixture
def limited(start: Any, tmp_path: Path) -> Any:
    def make(*entries: Any, **options: Any) -> Limited:
        return Limited(start, tmp_path / "keys.json", *entries, **options)

    return make


def slow() -> FakeEngine:
    return FakeEngine("0123456789" * 100, delay_s=0.02)


class LateEngine(FakeEngine):
    """Takes its time after the last token."""

    def submit(self, request: Request, wakeup: asyncio.Event | None = None) -> AsyncStream:
        stream = super().submit(request, wakeup)
        close = stream.aclose

        async def aclose() -> None:
            await asyncio.sleep(0.5)
            await close()

        stream.aclose = aclose  # type: ignore[method-assign]
        return stream


def rates(reply: Any) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name in RATE_HEADERS}


def test_requests_a_minute(limited: Any) -> None:
    service = limited(entry("app", requests_per_minute=2), entry("free"))
    first, second, refused = (service.chat("app") for _ in range(3))
    assert (first.status, second.status, refused.status) == (200, 200, 429)
    assert rates(first) == {
        "x-ratelimit-limit-requests": "2",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-reset-requests": "30s",
    }
    assert refused.headers["retry-after"] == "30"
    assert refused.error["type"] == "rate_limit_error"
    assert refused.error["code"] == "rate_limit_exceeded"
    text = "the key app has used up its requests; allowed 2 a minute"
    assert refused.error["message"] == f"[key] {text}"
    assert rates(refused)["x-ratelimit-remaining-requests"] == "0"
    assert rates(refused)["x-ratelimit-reset-requests"] == "1m0s"
    free = service.chat("free")
    assert free.status == 200 and not rates(free), "others are not held to it"
    service.clock.now += 30
    assert [service.chat("app").status for _ in range(2)] == [200, 429]


def test_tokens_a_minute(limited: Any) -> None:
    """`hello` is 5 tokens of the fake engine, its answer 15."""
    service = limited(entry("app", tokens_per_minute=30))
    first, second = service.chat("app"), service.chat("app")
    assert first.json["usage"]["total_tokens"] == 20
    assert rates(first)["x-ratelimit-remaining-tokens"] == "10", "its own are counted"
    assert second.status == 200, "ten were left"
    refused = service.chat("app")
    assert refused.status == 429 and refused.headers["retry-after"] == "21"
    assert rates(refused) == {
        "x-ratelimit-limit-tokens": "30",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "1m20s",
    }
    service.clock.now += 20.001
    assert service.chat("app").status == 200


def test_a_stream_and_all_its_choices_are_charged(limited: Any) -> None:
    service = limited(entry("app", tokens_per_minute=1000))
    assert service.chat("app", stream=True).status == 200
    assert service.chat("app", n=3).status == 200
    left = rates(service.get("/v1/models", "app"))["x-ratelimit-remaining-tokens"]
    assert left == str(1000 - (5 + 15) - (5 + 3 * 15))


def test_a_client_that_leaves_pays_for_what_it_had(limited: Any) -> None:
    service = limited(entry("app", tokens_per_minute=10_000), engine=slow)
    peer = open_chat(service.server.port, "x" * 400, headers=bearer("app"), stream=True)
    assert peer.recv(64)
    reset(peer)
    assert wait_until(lambda: not service.server.service.request_metrics.running)
    left = int(rates(service.get("/v1/models", "app"))["x-ratelimit-remaining-tokens"])
    assert 10_000 - 400 - 1000 < left < 10_000 - 400, "400 letters are 400 tokens of the engine"


def test_a_client_that_leaves_before_the_first_token_pays_an_estimate(limited: Any) -> None:
    engine = FakeEngine("0123456789" * 100, delay_s=0.02, first_delay_s=600)
    service = limited(entry("app", tokens_per_minute=10_000), engine=lambda: engine)
    peer = open_chat(service.server.port, "x" * 400, headers=bearer("app"), stream=True)
    assert wait_until(lambda: engine.active == 1)
    reset(peer)
    assert wait_until(lambda: not service.server.service.request_metrics.running)
    left = rates(service.get("/v1/models", "app"))["x-ratelimit-remaining-tokens"]
    assert left == str(10_000 - 100), "400 letters are about 100 tokens"


def test_of_several_prompts_those_that_were_counted_cost_their_tokens(limited: Any) -> None:
    engine = FakeEngine("0123456789" * 100, delay_s=0.02, contexts=1)
    service = limited(entry("app", tokens_per_minute=10_000), engine=lambda: engine)
    body = {"prompt": ["a" * 40, "b" * 400], "n": 1, "max_tokens": 500, "stream": True}
    peer = open_post(service.server.port, "/v1/completions", body, bearer("app"))
    metrics = service.server.service.request_metrics
    assert wait_until(lambda: any(call.tokens for call in metrics.running.values()))
    reset(peer)
    assert wait_until(lambda: not metrics.running)
    call = metrics.recent[-1]
    assert call.prompt_estimate == 40 + 100 and call.tokens_used == 140 + call.tokens


def test_a_refused_request_is_not_charged(limited: Any) -> None:
    service = limited(entry("app", tokens_per_minute=50), engine=lambda: FakeEngine(contexts=1))
    for fields in ({"model": "none"}, {"temperature": -1}, {"lora_adapter": "none"}):
        assert service.chat("app", **fields).status in (400, 404)
    assert rates(service.get("/v1/models", "app"))["x-ratelimit-remaining-tokens"] == "50"


def test_calls_at_the_same_time(limited: Any) -> None:
    service = limited(entry("app", concurrency=2), engine=slow)
    port = service.server.port
    leaving = open_chat(port, "x", headers=bearer("app"), stream=True)
    stream = StreamThread(port, "x", headers=bearer("app"))
    assert leaving.recv(64) and wait_until(lambda: bool(stream.pieces))
    refused = service.chat("app")
    assert refused.status == 429 and refused.headers["retry-after"] == "2"
    assert "got 3 calls" in refused.error["message"]
    assert service.get("/v1/models", "app").status == 200, "what computes nothing is no call"
    reset(leaving)
    assert wait_until(lambda: len(service.server.service.request_metrics.running) == 1)
    assert service.chat("app", max_tokens=1).status == 200, "its place is free again"


def test_a_caller_that_waits_for_each_answer_is_never_too_early(limited: Any) -> None:
    """The place is free before the last bytes are sent, however long the end takes."""
    service = limited(entry("app", concurrency=1), engine=LateEngine)
    for stream in (False, True, False):
        assert service.chat("app", stream=stream, n=2).status == 200
    metrics = service.server.service.request_metrics
    assert wait_until(lambda: not metrics.running)
    assert not service.server.service.limiter._uses["app"].running


def test_a_request_over_a_limit_is_refused_before_its_body(limited: Any) -> None:
    service = limited(entry("app", requests_per_minute=1))
    assert service.chat("app").status == 200
    with socket.create_connection(("127.0.0.1", service.server.port), timeout=30) as peer:
        peer.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1000000\r\n"
            b"X-Api-Key: " + key_of("app").encode() + b"\r\n\r\n"
        )
        assert b" 429 " in peer.recv(4096).split(b"\r\n")[0]


@pytest.mark.parametrize("path", ["/tokenize", "/detokenize"])
def test_every_call_that_computes_counts(limited: Any, path: str) -> None:
    service = limited(entry("app", requests_per_minute=1))
    body = {"content": "a"} if path == "/tokenize" else {"tokens": [97]}
    for status in (200, 429):
        assert service.server.post(path, body, bearer("app")).status == status


def test_refusals_are_counted_by_the_name_of_the_key(limited: Any) -> None:
    service = limited(
        entry("app", requests_per_minute=2), entry("one", models=["other"]), entry("none")
    )
    assert [service.chat("app").status for _ in range(4)] == [200, 200, 429, 429]
    assert service.chat("one").status == 403
    metrics = service.server.service.request_metrics
    assert metrics.keys.requests == {("app", "ok"): 2, ("one", "error"): 1}
    assert metrics.keys.refusals == {("app", "requests"): 2, ("one", "model"): 1}
    assert metrics.total.errors["http", "rate_limit_exceeded"] == 2


def test_both_rates_together_are_told(limited: Any) -> None:
    service = limited(entry("app", requests_per_minute=60, tokens_per_minute=60))
    assert set(rates(service.chat("app"))) == set(RATE_HEADERS)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0ms"), (0.0001, "1ms"), (0.12, "120ms"), (0.9999, "1s"), (1, "1s")),
        *((1.2, "2s"), (59.1, "1m0s"), (360, "6m0s"), (3599.5, "1h0m0s"), (7265, "2h1m5s")),
    ],
)
def test_times_as_openai_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_what_a_stream_is_refused_with(limited: Any) -> None:
    service = limited(entry("app", requests_per_minute=1))
    assert service.chat("app", stream=True).status == 200
    refused = service.chat("app", stream=True)
    assert refused.status == 429 and refused.headers["content-type"] == "application/json"
    assert json.loads(refused.body)["error"]["code"] == "rate_limit_exceeded"


def begin_and_leave(service: Limited, path: str, body: dict[str, Any]) -> None:
    peer = open_post(service.server.port, path, body, bearer("app"))
    assert peer.recv(64)
    reset(peer)
    assert wait_until(lambda: not service.server.service.request_metrics.running)


def left_of(service: Limited, name: str) -> int:
    return int(rates(service.get("/v1/models", name))["x-ratelimit-remaining-tokens"])


@pytest.mark.parametrize(
    "prompt", ["x" * 3200, [97] * 800, ["x" * 1600, [97] * 400], ["x" * 1600, "y" * 1600]]
)
def test_a_completion_that_is_left_costs_its_prompts(limited: Any, prompt: Any) -> None:
    service = limited(entry("app", tokens_per_minute=10_000), engine=slow)
    body = {"prompt": prompt, "stream": True, "max_tokens": 1000}
    begin_and_leave(service, "/v1/completions", body)
    assert left_of(service, "app") <= 10_000 - 800


def test_tools_and_calls_of_a_call_that_is_left_are_counted(limited: Any) -> None:
    service = limited(entry("app", tokens_per_minute=10_000), engine=slow)
    tool = {"type": "function", "function": {"name": "f", "description": "x" * 2000}}
    given = {"name": "f", "arguments": json.dumps({"text": "x" * 1200})}
    call = {"id": "1", "type": "function", "function": given}
    messages = [*USER, {"role": "assistant", "tool_calls": [call]}]
    messages.append({"role": "tool", "tool_call_id": "1", "content": "x"})
    begin_and_leave(
        service, "/v1/chat/completions", {"messages": messages, "tools": [tool], "stream": True}
    )
    assert left_of(service, "app") <= 10_000 - 800


def test_prompts_that_are_echoed_are_no_calls_of_their_own(limited: Any) -> None:
    service = limited(entry("app", requests_per_minute=2))
    body = {"prompt": [[97, 98]] * 6, "echo": True, "max_tokens": 1}
    reply = service.server.post("/v1/completions", body, bearer("app"))
    assert reply.status == 200, reply.body
    assert all(choice["text"].startswith("ab") for choice in reply.json["choices"])
    metrics = service.server.service.request_metrics
    assert wait_until(lambda: not metrics.running)
    requests = metrics.total.requests
    assert {endpoint for _, endpoint, _ in requests} == {"chat"}
