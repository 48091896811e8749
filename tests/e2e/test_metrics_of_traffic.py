# SPDX-License-Identifier: AGPL-3.0-only
"""A real engine under mixed traffic: the counters say what was done, and dashboards find data."""

from __future__ import annotations

import math
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import grpc
import pytest

import models
from http_client import open_chat, request, wait_until
from observe_tools import Scrape
from prometheus_tools import Prometheus, alerts, dashboard_queries, promtool, value_of
from sentiric_llama.metrics.series import ENGINE_SERIES, EXTRA_SERIES, GPU_SERIES
from sentiric_llama.rpc.generated import engine_pb2, engine_pb2_grpc
from sentiric_llama.types import EngineStats
from server_process import ServerProcess

pytestmark = pytest.mark.both_modes

REFERENCE = Path(__file__).parents[2] / "docs" / "metrics.md"
NUM_REQUESTS = 200
NUM_CLIENTS = 8


@dataclass
class Done:
    """What clients did, added up."""

    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    tokens: int = 0
    tokens_before_leaving: int = 0


class HttpLeg:
    """Requests over HTTP. Each method does one and notes what it did."""

    protocol = "http"

    def __init__(self, server: ServerProcess, done: Done) -> None:
        self._server = server
        self._done = done
        self._lock = threading.Lock()

    def whole(self, tokens: int) -> None:
        reply = self._server.chat("tell me", max_tokens=tokens, ignore_eos=True)
        assert reply.status == 200, reply.body
        self._note_answer(reply.json)

    def stream(self, tokens: int) -> None:
        options = {"stream": True, "stream_options": {"include_usage": True}}
        reply = self._server.chat("tell me", max_tokens=tokens, ignore_eos=True, **options)
        assert reply.events[-1] == "[DONE]"
        chunks = [event for event in reply.events if isinstance(event, dict)]
        last = [chunk for chunk in chunks if chunk["choices"]][-1]
        self._note_answer({"choices": last["choices"], "usage": chunks[-1]["usage"]})

    def leave(self, tokens: int) -> None:
        peer = open_chat(self._server.port, "x", stream=True, max_tokens=5000, ignore_eos=True)
        seen = b""
        while seen.count(b'"content":"') < 2:
            seen += peer.recv(4096)
        peer.close()
        with self._lock:
            self._done.requests[self.protocol, "chat", "cancelled"] += 1
            self._done.tokens_before_leaving += 1

    def wrong_field(self, tokens: int) -> None:
        assert self._server.chat("x", max_tokens="many").status == 400
        self._note_error("chat", "invalid_argument")

    def unknown_model(self, tokens: int) -> None:
        assert self._server.chat("x", model="other").status == 404
        self._note_error("chat", "model_not_found")

    def tokenize(self, tokens: int) -> None:
        assert self._server.post("/tokenize", {"content": "some text"}).status == 200
        with self._lock:
            self._done.requests[self.protocol, "tokenize", "ok"] += 1

    def _note_answer(self, body: dict[str, Any]) -> None:
        with self._lock:
            self._done.requests[self.protocol, "chat", "ok"] += 1
            self._done.reasons[body["choices"][0]["finish_reason"]] += 1
            self._done.prompt_tokens += body["usage"]["prompt_tokens"]
            self._done.tokens += body["usage"]["completion_tokens"]

    def _note_error(self, endpoint: str, code: str) -> None:
        with self._lock:
            self._done.requests[self.protocol, endpoint, "error"] += 1
            self._done.errors[self.protocol, code] += 1


class GrpcLeg(HttpLeg):
    """The same over gRPC."""

    protocol = "grpc"

    def __init__(self, server: ServerProcess, done: Done) -> None:
        super().__init__(server, done)
        self._stub = engine_pb2_grpc.EngineServiceStub(grpc.insecure_channel(server.grpc_address))

    def whole(self, tokens: int) -> None:
        *_, last = self._stub.Chat(self._ask("tell me", max_tokens=tokens))
        self._note(last.end)

    def stream(self, tokens: int) -> None:
        self.whole(tokens)

    def leave(self, tokens: int) -> None:
        call = self._stub.Chat(self._ask("x", max_tokens=5000))
        next(call), next(call)
        call.cancel()
        with self._lock:
            self._done.requests[self.protocol, "chat", "cancelled"] += 1
            self._done.tokens_before_leaving += 1

    def wrong_field(self, tokens: int) -> None:
        self._refused(self._ask("x", max_tokens=-5), grpc.StatusCode.INVALID_ARGUMENT)
        self._note_error("chat", "invalid_argument")

    def unknown_model(self, tokens: int) -> None:
        self._refused(self._ask("x", model="other"), grpc.StatusCode.NOT_FOUND)
        self._note_error("chat", "model_not_found")

    def tokenize(self, tokens: int) -> None:
        assert self._stub.Tokenize(engine_pb2.TokenizeRequest(text="some text")).tokens
        with self._lock:
            self._done.requests[self.protocol, "tokenize", "ok"] += 1

    def _ask(self, content: str, **options: Any) -> engine_pb2.ChatRequest:
        message = engine_pb2.ChatMessage(role="user", content=content)
        return engine_pb2.ChatRequest(messages=[message], ignore_eos=True, **options)

    def _refused(self, request: engine_pb2.ChatRequest, code: grpc.StatusCode) -> None:
        with pytest.raises(grpc.RpcError) as refused:
            list(self._stub.Chat(request))
        assert refused.value.code() is code

    def _note(self, end: engine_pb2.ChatEnd) -> None:
        usage = {
            "prompt_tokens": end.usage.prompt_tokens,
            "completion_tokens": end.usage.completion_tokens,
        }
        self._note_answer({"choices": [{"finish_reason": "length"}], "usage": usage})


LEGS: list[Callable[[ServerProcess, Done], Any]] = [HttpLeg, GrpcLeg]
"""One for each protocol; they share the requests."""
KINDS = ("whole", "stream", "leave", "wrong_field", "unknown_model", "tokenize")


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """Each token by itself, of a model whose steps last longer than the news that a caller left."""
    settings = {"contexts": 8, "context_size": 512, "stream_interval_ms": 0}
    running = ServerProcess(models.model("wide-f16"), **settings).wait_ready()
    yield running
    running.close()


def scrape(server: ServerProcess) -> Scrape:
    reply = request(server.metrics_port, "GET", "/metrics")
    assert reply.status == 200
    return Scrape(reply.body.decode())


def mixed_traffic(server: ServerProcess, number: int) -> Done:
    """Many clients, a fixed mix in random order."""
    done = Done()
    legs = [make(server, done) for make in LEGS]
    jobs = [
        (legs[index % len(legs)], KINDS[index // len(legs) % len(KINDS)], 1 + index % 12)
        for index in range(number)
    ]
    random.Random(7).shuffle(jobs)
    failures: list[BaseException] = []

    def work() -> None:
        while jobs and not failures:
            try:
                leg, kind, tokens = jobs.pop()
                getattr(leg, kind)(tokens)
            except IndexError:
                return
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(NUM_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not failures, failures
    return done


def test_the_counters_equal_what_was_done(server: ServerProcess) -> None:
    done = mixed_traffic(server, NUM_REQUESTS)
    assert done.requests.total() == NUM_REQUESTS
    assert wait_until(lambda: scrape(server).value("llm_requests_running") == 0)
    assert wait_until(server.is_idle)
    found = scrape(server)
    for (protocol, endpoint, outcome), count in done.requests.items():
        labels = {"protocol": protocol, "endpoint": endpoint, "outcome": outcome}
        assert found.value("llm_requests_total", **labels) == count, labels
    assert found.value("llm_requests_total") == NUM_REQUESTS
    for (protocol, code), count in done.errors.items():
        assert found.value("llm_request_errors_total", protocol=protocol, code=code) == count
    assert found.value("llm_request_errors_total") == done.errors.total()
    check_tokens(found, done)
    check_times(found, done)


def check_tokens(found: Scrape, done: Done) -> None:
    cached = found.value("llm_prompt_tokens_cached_total")
    assert found.value("llm_prompt_tokens_total") + cached == done.prompt_tokens
    assert found.value("llamacpp:tokens_predicted_total") == done.tokens
    generated = found.value("llm_tokens_generated_total")
    assert generated >= done.tokens + done.tokens_before_leaving
    # The engine may have sampled one more step for those who left, and one token warmed it up.
    left = sum(count for key, count in done.requests.items() if key[2] == "cancelled")
    engine = found.value("llm_engine_generated_tokens_total")
    assert generated + 1 <= engine <= generated + 1 + 3 * left
    for reason, count in done.reasons.items():
        assert found.value("llm_finish_reasons_total", reason=reason) == count
    assert found.value("llm_active_contexts") == found.value("llm_requests_waiting") == 0


def check_times(found: Scrape, done: Done) -> None:
    answers = sum(count for key, count in done.requests.items() if key[1:] == ("chat", "ok"))
    left = sum(count for key, count in done.requests.items() if key[2] == "cancelled")
    assert found.value("llm_time_to_first_token_seconds_count") == answers + left
    assert found.value("llm_queue_seconds_count") == found.value("llm_prefill_seconds_count")
    assert found.value("llm_queue_seconds_count") == answers
    gaps = found.value("llm_time_per_output_token_seconds_count")
    assert gaps == found.value("llm_tokens_generated_total") - answers - left
    assert found.value("llm_requests_cancelled_total") == left
    assert found.value("llm_engine_requests_cancelled_total") == left


def absent_series() -> set[str]:
    """What this engine cannot count yet, and TLS, keys in a file and a GPU, which are not here."""
    known = {item.name for item in fields(EngineStats)}
    later = {name: series.name for name, series in ENGINE_SERIES.items() if name not in known}
    drafts = "llamacpp:spec_decode_num_{}_tokens_total"
    if "drafted_tokens" in later:
        later |= {kind: drafts.format(kind) for kind in ("draft", "accepted")}
    gpu = {series.name for series in GPU_SERIES.values()}
    return set(later.values()) | EXTRA_SERIES.keys() | gpu | {"llm_key_file_state"}


def absent(query: str) -> bool:
    return any(name in query for name in absent_series())


def test_a_scrape_holds_every_series_of_the_reference(server: ServerProcess) -> None:
    assert server.chat("hello", max_tokens=2).status == 200
    found = scrape(server)
    written = set(re.findall(r"^\| `([a-z_:]+)` \|", REFERENCE.read_text("utf-8"), re.MULTILINE))
    assert written - {name for name, _, _, _ in found.series()} == absent_series()
    done = promtool("check", "metrics", stdin=found.text)
    complaints = (done.stdout + done.stderr).splitlines()
    assert complaints and all(line.endswith("should not contain ':'") for line in complaints)


def test_every_query_of_dashboard_and_alerts_finds_data(
    server: ServerProcess, tmp_path: Path
) -> None:
    prometheus = Prometheus(tmp_path, server.metrics_port)
    try:
        assert wait_until(lambda: prometheus.scrapes() >= 2, 60)
        mixed_traffic(server, 24)
        seen = prometheus.scrapes()
        assert wait_until(lambda: prometheus.scrapes() >= seen + 3, 60)
        queries = dashboard_queries() | {name: value_of(e) for name, e in alerts().items()}
        here = {name: query for name, query in queries.items() if not absent(query)}
        assert len(here) > 30
        for name, query in queries.items():
            values = prometheus.values(query)  # valid, whatever it finds
            if name in here:
                assert values and not any(map(math.isnan, values)), (name, query, values)
        groups = prometheus.get("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert {rule["name"] for rule in rules} == alerts().keys()
        assert {rule["health"] for rule in rules} == {"ok"}
        assert not [rule["name"] for rule in rules if rule["state"] == "firing"]
    finally:
        prometheus.close()
