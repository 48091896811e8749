# SPDX-License-Identifier: AGPL-3.0-only
"""`/v1/stats` and its stream: who may look, what is seen, how it ends."""

from __future__ import annotations

import http.client
import json
from typing import Any

from http_client import StreamThread, wait_until
from sentiric_llama.engine.fake import FakeEngine

SECRET = "a very private prompt"


def submit(port: int) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/v1/stats/stream")
    return connection, connection.getresponse()


def next_event(answer: http.client.HTTPResponse) -> Any:
    for line in answer:
        if line.startswith(b"data: "):
            data = line.removeprefix(b"data: ").strip()
            return data.decode() if data == b"[DONE]" else json.loads(data)
    return None


def test_before_anything_happened(start: Any) -> None:
    reply = start().get("/v1/stats")
    assert reply.status == 200 and reply.headers["cache-control"] == "no-store"
    stats = reply.json
    assert stats["service"]["state"] == "ready" and stats["model"]["id"] == "fake-model"
    assert stats["contexts"] == {
        "total": 4,
        "active": 0,
        "available": 4,
        "prefilling": 0,
        "decoding": 0,
        "sharing": 0,
    }
    assert stats["latency"]["count"] == 0
    assert stats["latency"]["ttft_ms"] == {"p50": None, "p95": None, "p99": None}
    assert stats["rates"]["generated_tokens_per_s"] is None  # nothing to compare yet
    assert stats["cache"]["hit_ratio"] is None and stats["memory"]["gpu_used_bytes"] is None
    assert stats["memory"]["gpus"] == []
    assert stats["memory"]["resident_bytes"] >= stats["memory"]["anonymous_bytes"] > 1e6


def test_while_loading_and_draining(start: Any) -> None:
    server = start(ready=False)
    stats = server.get("/v1/stats").json
    assert stats["service"]["state"] == "loading"
    assert stats["model"] is stats["engine"] is None and stats["contexts"]["total"] == 4
    server = start()
    server.loop.call_soon_threadsafe(server.service.begin_drain)
    assert wait_until(lambda: server.get("/v1/stats").json["service"]["state"] == "draining")


def test_what_was_done_and_what_runs(start: Any) -> None:
    server = start(lambda: FakeEngine("0123456789", delay_s=0.01))
    assert server.chat().status == 200
    assert server.chat(max_tokens="x").status == 400
    stream = StreamThread(server.port, SECRET)
    assert wait_until(lambda: bool(stream.pieces))
    stats = server.get("/v1/stats").json
    (running,) = stats["running"]
    assert running["phase"] == "answering" and running["protocol"] == "http"
    assert 1 <= running["tokens"] <= 10 and running["age_ms"] > 0 and running["request_id"]
    assert stats["contexts"]["active"] == 1
    assert stream.text() == "0123456789"
    assert wait_until(lambda: not server.get("/v1/stats").json["running"])
    stats = server.get("/v1/stats").json
    requests = stats["requests"]
    assert (requests["ok"], requests["error"], requests["cancelled"]) == (2, 1, 0)
    assert requests["total"] == 3 and requests["by_protocol"] == {"http": 3}
    assert stats["tokens"]["generated"] == stats["engine"]["generated_tokens"] == 20
    assert stats["latency"]["count"] == 2  # the refused one never began
    ttft, total = stats["latency"]["ttft_ms"], stats["latency"]["total_ms"]
    assert 0 < ttft["p50"] <= ttft["p99"] <= total["p99"]
    assert SECRET not in json.dumps(stats)


def test_the_stream_goes_on_until_the_service_is_gone(start: Any) -> None:
    server = start()
    connection, answer = submit(server.port)
    assert answer.getheader("content-type", "").startswith("text/event-stream")
    first, second = next_event(answer), next_event(answer)
    assert second["timestamp"] > first["timestamp"]
    server.call(server.service.close())
    last = second
    while isinstance(last, dict):
        last = next_event(answer)
    assert last == "[DONE]"
    connection.close()


def test_a_watcher_who_leaves_leaves_nothing_behind(start: Any) -> None:
    server = start()
    before = server.num_tasks()
    connection, answer = submit(server.port)
    assert next_event(answer) and server.num_tasks() > before
    answer.close()
    connection.close()
    assert wait_until(lambda: server.num_tasks() <= before)


def test_only_the_head_of_the_stream(start: Any) -> None:
    reply = start().request("HEAD", "/v1/stats/stream")
    assert reply.status == 200 and reply.body == b""


def test_the_key_is_needed(start: Any) -> None:
    server = start(api_key="k")
    for path in ("/v1/stats", "/v1/stats/stream"):
        assert server.get(path).status == 401
    assert server.get("/v1/stats", authorization="Bearer k").status == 200


def test_answers_ask_to_close_while_draining(start: Any) -> None:
    server = start()
    assert "connection" not in server.get("/health").headers
    server.loop.call_soon_threadsafe(server.service.announce_drain)
    assert wait_until(lambda: server.get("/health").status == 503)
    assert server.get("/health").headers["connection"] == "close"
    assert server.chat().status == 200 and server.chat().headers["connection"] == "close"
