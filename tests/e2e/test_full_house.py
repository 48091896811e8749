# SPDX-License-Identifier: AGPL-3.0-only
"""A process with few descriptors, and one with more work than it can take."""

from __future__ import annotations

import contextlib
import re
import resource
import socket
from pathlib import Path
from typing import Any

import pytest

from http_client import StreamThread, request, wait_until
from server_process import ServerProcess

FILES = 256
NUM_IDLE = 400


@pytest.fixture
def few_files(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server that may open 256 files, whatever it asks for."""
    running = []

    def start(model: Path) -> ServerProcess:
        own = resource.getrlimit(resource.RLIMIT_NOFILE)
        server = ServerProcess(model, contexts=2, context_size=512)
        resource.prlimit(server.child.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == own
        running.append(server)
        return server.wait_ready()

    yield start
    for server in running:
        server.close()


def test_few_descriptors_and_many_idle_connections(few_files: Any, tiny_q8_0: Path) -> None:
    """Normal calls and probes go on, and the log stays as it is."""
    server = few_files(tiny_q8_0)
    before = len(server.lines)
    with contextlib.ExitStack() as stack:
        for _ in range(NUM_IDLE):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
            peer.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")
        for _ in range(10):
            assert server.get("/health/ready").status == 200
            assert request(server.metrics_port, "GET", "/metrics").status == 200
            assert server.chat("hello", max_tokens=2).status == 200
        assert server.resources()[0] <= FILES
    noise = [record for record in server.records[before:] if record["severity"] != "INFO"]
    assert len(noise) <= 1, noise[:3]
    assert server.get("/health/live").status == 200


def test_a_full_engine_answers_probes_and_refuses(start: Any, tiny_q8_0: Path) -> None:
    options = {"contexts": 1, "context_size": 512, "queue_limit": 1, "drain_timeout_s": 0.1}
    server = start(tiny_q8_0, **options).wait_ready()
    fields = {"max_tokens": 100_000, "ignore_eos": True}
    streams = [StreamThread(server.port, f"long {i}", **fields) for i in range(2)]
    assert wait_until(lambda: bool(streams[0].pieces or streams[1].pieces))
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    )
    with contextlib.ExitStack() as stack:
        peers = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
            for _ in range(50)
        ]
        for peer in peers:
            peer.sendall(head)  # and no byte of a body
        for peer in peers:
            answer = peer.recv(4096)
            assert answer.startswith(b"HTTP/1.1 429 ") and b"retry-after: " in answer
            assert b'"code":"overloaded"' in answer
        assert server.get("/health/ready").status == 200
    scrape = request(server.metrics_port, "GET", "/metrics").body.decode()
    assert re.search(r"^llm_engine_requests_rejected_total{.*} 50.0$", scrape, re.MULTILINE)
    server.signal()
    for stream in streams:
        stream.join(60)
        assert stream.error or stream.status == 503
    assert server.finish() == 0
