# SPDX-License-Identifier: AGPL-3.0-only
"""Connections as such: how many, how long a head may take, what is no HTTP at all."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

import pytest

from http_client import wait_until
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.http.wire import connection, linger

HEAD = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"


def connect(server: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def read_all(peer: socket.socket) -> bytes:
    with peer:
        return b"".join(iter(lambda: peer.recv(65536), b""))


def error_in(answer: bytes) -> Any:
    return json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


def test_a_head_that_never_ends_is_dropped(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.3)
    server = start()
    silent, slow = connect(server), connect(server)
    reused = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    reused.request("GET", "/health/live")
    assert reused.getresponse().read() == b'{"status":"alive"}'
    reused.sock.sendall(HEAD)
    for byte in (b"X", b"-", b"A", b":"):
        slow.sendall(HEAD if byte == b"X" else byte)  # bytes do not prolong the deadline
    assert read_all(silent) == b"" and read_all(slow) == b""
    assert read_all(reused.sock) == b""
    assert wait_until(lambda: not server.server.server_state.connections)
    assert server.get("/health/live").status == 200


def test_an_answer_may_take_longer_than_a_head(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.1)
    server = start(lambda: FakeEngine(first_delay_s=0.5))
    assert server.chat().text == "You said: hello"


def test_too_many_connections(start: Any) -> None:
    """Two that have only just come keep their places; probes are answered all the same."""
    server = start(max_connections=2)
    with connect(server), connect(server):
        assert wait_until(lambda: len(server.server.server_state.connections) == 2)
        reply = server.get("/v1/models")
        assert reply.status == 503 and reply.headers["retry-after"]
        assert reply.error["type"] == "unavailable_error" and reply.error["code"] == "unavailable"
        assert server.get("/health/live").status == 200
    assert wait_until(lambda: server.get("/v1/models").status == 200)


def test_what_is_no_http(start: Any) -> None:
    peer = connect(start())
    peer.sendall(b"\x16\x03\x01 hello\r\n\r\n")
    answer = read_all(peer)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nx-should-retry: false\r\n" in answer
    assert error_in(answer)["code"] == "bad_request"


def test_who_sends_too_much_can_read_why(start: Any) -> None:
    server = start(max_body_bytes=1024, api_key="secret")
    body = b"x" * (6 * 2**20)  # more than the buffers between us hold
    key = {"X-Api-Key": "secret"}
    assert server.post("/tokenize", body).status == 401
    assert server.post("/tokenize", body, key).error["code"] == "request_too_large"
    assert server.post("/tokenize", body, key | {"Content-Type": "text/plain"}).status == 415
    chunked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    kind = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    chunked.request("POST", "/tokenize", iter([body]), key | kind, encode_chunked=True)
    assert chunked.getresponse().status == 413
    chunked.close()


def test_lingering_ends(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linger, "LINGER_S", 0.2)
    server = start()
    peer = connect(server)
    peer.sendall(
        b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
        b"Content-Length: 100\r\n\r\n"
    )
    assert read_all(peer).startswith(b"HTTP/1.1 415 ")
    assert wait_until(lambda: not server.server.server_state.connections)
