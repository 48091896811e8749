# SPDX-License-Identifier: AGPL-3.0-only
"""The end of a busy server: what runs finishes, or is told that it will not."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from http_client import StreamThread, request, wait_until
from observe_tools import Scrape
from server_process import ServerProcess

pytestmark = pytest.mark.both_modes

NUM_STREAMS = 16


def busy(server: ServerProcess, tokens: int) -> list[StreamThread]:
    """Sixteen streams that have all begun."""
    streams = [
        StreamThread(server.port, f"tell {number}", max_tokens=tokens, ignore_eos=True)
        for number in range(NUM_STREAMS)
    ]
    assert wait_until(lambda: all(stream.pieces or stream.is_complete for stream in streams), 60)
    return streams


def start_busy(start: Callable[..., Any], model: Path, tokens: int, **settings: Any) -> Any:
    server = start(model, contexts=NUM_STREAMS, context_size=512, **settings).wait_ready()
    return server, busy(server, tokens)


def test_terminate_lets_sixteen_streams_finish(start: Any, tiny_q8_0: Path) -> None:
    server, streams = start_busy(start, tiny_q8_0, 150, drain_settle_s=0.3)
    server.signal(signal.SIGTERM)
    server.wait_for("SERVICE_STOPPING")
    ready = server.get("/health/ready")
    assert ready.status == 503 and ready.headers["connection"] == "close"
    late = server.chat("late", max_tokens=1)  # a balancer that has not heard of it yet
    assert late.status == 200 and late.headers["connection"] == "close"
    server.wait_for("SERVICE_DRAINING")
    assert server.chat("too late").status == 503
    scrape = Scrape(request(server.metrics_port, "GET", "/metrics").body.decode())
    assert scrape.value("llm_state", state="draining") == 1 and scrape.value("llm_ready") == 0
    for stream in streams:
        stream.join(120)
        assert stream.is_complete and stream.status == 200, stream.error
    assert server.finish() == 0
    assert server.records[-1]["event"] == "SERVICE_SHUTDOWN"
    assert len(server.events("HTTP_STREAM_COMPLETE")) == NUM_STREAMS


def test_nobody_is_cut_off_by_the_end(start: Any, tiny_q8_0: Path) -> None:
    """Callers who go on to the last moment are answered, refused with words, or not let in."""
    server = start(tiny_q8_0, contexts=8, context_size=512, drain_settle_s=0.5).wait_ready()
    port, ended = server.port, threading.Event()
    answers: list[int | str] = []

    def call() -> None:
        body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 4}
        while not ended.is_set():
            try:
                answers.append(request(port, "POST", "/v1/chat/completions", body).status)
            except OSError as error:
                answers.append(type(error).__name__)
                time.sleep(0.01)

    callers = [threading.Thread(target=call) for _ in range(8)]
    for caller in callers:
        caller.start()
    assert wait_until(lambda: answers.count(200) >= 16)
    server.signal(signal.SIGTERM)
    assert server.finish() == 0
    ended.set()
    for caller in callers:
        caller.join(60)
    assert set(answers) <= {200, 503, "ConnectionRefusedError"}, Counter(answers)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_tells_each_stream(
    start: Any, tiny_q8_0: Path, number: signal.Signals
) -> None:
    server, streams = start_busy(start, tiny_q8_0, 100_000, request_timeout_ms=0)
    server.signal(number)
    server.wait_for("SERVICE_DRAINING")
    server.signal(number)
    check_told(streams)
    assert server.finish() == 130


def test_the_end_of_the_drain_tells_each_stream(start: Any, tiny_q8_0: Path) -> None:
    server, streams = start_busy(
        start, tiny_q8_0, 100_000, request_timeout_ms=0, drain_timeout_s=0.3
    )
    server.signal(signal.SIGTERM)
    check_told(streams)
    assert server.finish() == 0


def check_told(streams: list[StreamThread]) -> None:
    for stream in streams:
        stream.join(60)
        assert not stream.is_alive() and not stream.is_complete
        assert stream.error and stream.error["code"] == "unavailable", stream.error
