# SPDX-License-Identifier: AGPL-3.0-only
"""Requests nobody should send: each gets its refusal, and a neighbour's stream never notices."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from http_client import Reply, StreamThread, open_chat, request, reset, wait_until
from server_process import ServerProcess

CHAT = "/v1/chat/completions"
NEIGHBOUR: dict[str, Any] = {"temperature": 0, "ignore_eos": True, "max_tokens": 200}
MESSAGES = b'{"messages":[{"role":"user","content":'


@pytest.fixture(scope="module")
def expected(_tiny: ServerProcess) -> str:
    """What the neighbour gets when nobody disturbs."""
    return StreamThread(_tiny.port, "neighbour", **NEIGHBOUR).text()


@pytest.fixture(autouse=True)
def _neighbour(request: pytest.FixtureRequest) -> Iterator[None]:
    """A stream beside every test that uses the shared server; its text must not change."""
    if "tiny" not in request.fixturenames:
        yield
        return
    tiny, expected = (request.getfixturevalue(name) for name in ("tiny", "expected"))
    stream = StreamThread(tiny.port, "neighbour", **NEIGHBOUR)
    yield
    assert stream.text() == expected


def raw(port: int, data: bytes, *, finish: bool = True) -> bytes:
    """Everything that comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        try:
            peer.sendall(data)
            if finish:
                with contextlib.suppress(OSError):  # closed already
                    peer.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: peer.recv(65536), b""))
        except ConnectionError:  # closed while we were still sending
            return b""


@pytest.mark.parametrize("text", ["a" * 1_000_000, "🙂" * 250_000, "<s>" * 32_000, " " * 1_000_000])
def test_enormous_text_of_one_kind(tiny: Any, text: str) -> None:
    for is_stream in (False, True):  # a stream may begin before a slow machine knows
        reply = tiny.chat(text, max_tokens=1, stream=is_stream)
        assert reply.error["code"] == "context_length_exceeded"
        assert is_stream or reply.status == 400
    assert tiny.post("/tokenize", {"content": text, "parse_special": False}).status == 200


def test_a_body_that_is_too_large(tiny: Any) -> None:
    limit = 8 * 2**20
    body = (MESSAGES + b'"' + b"a" * limit)[: limit - 4] + b'"}]}'
    assert tiny.post(CHAT, body).error["code"] == "context_length_exceeded"
    assert tiny.post(CHAT, body + b" ").status == 413
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {limit + 1}\r\n\r\n"
    )
    answer = raw(tiny.port, head.encode(), finish=False)  # refused before any of it is sent
    assert answer.startswith(b"HTTP/1.1 413 ") and b"request_too_large" in answer


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (MESSAGES + b"[" * 100_000, "messages"),
        (b'{"messages":' + b'{"a":' * 50_000, "messages"),
        (b"[" * 1_000_000, None),
        (MESSAGES + b'"\xff\xfe"}]}', None),
        (MESSAGES + b'"\\ud800"}]}', None),
        (MESSAGES + b'"a"}],"temperature":NaN}', "temperature"),
        (MESSAGES + b'"a"}],"max_tokens":' + b"9" * 5000 + b"}", None),
        (MESSAGES + b'"a"}],"max_tokens":1e308}', "max_tokens"),
        (b'{"messages":"a"}', "messages"),
        (b'{"messages":[[]]}', "messages.0"),
        (MESSAGES + b'{"a":1}}]}', "messages.0.content"),
        (MESSAGES + b'"a"}],"stream":"yes"}', "stream"),
        (MESSAGES + b'"a"}],"n":1.5}', "n"),
        (MESSAGES + b'"a"}],"stop":[1]}', "stop"),
        (MESSAGES + b'"a"}],"logit_bias":{"-1":1}}', "logit_bias"),
        (MESSAGES + b'"a"}],"seed":"x"}', "seed"),
        (b"", None),
    ],
)
def test_what_is_no_request(tiny: Any, body: bytes, param: str | None) -> None:
    reply = tiny.post(CHAT, body)
    assert reply.status == 400, reply.body
    assert reply.error["param"] == param, reply.body
    assert reply.error["type"] == "invalid_request_error" and len(reply.error["message"]) < 400


def test_huge_headers(tiny: Any) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
    for more in (
        b"X-A: %b\r\n" % (b"a" * 20_000),
        b"".join(b"X-%d: a\r\n" % i for i in range(200)),
    ):
        answer = raw(tiny.port, head + more + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 431 "), answer[:200]
    endless = raw(tiny.port, head + b"X-A: " + b"a" * 1_000_000)
    assert endless == b"" or endless.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n" * 1000,
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Length: 5\r\nContent-Type: application/json\r\n\r\n0\r\n\r\n",
        b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/json\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
    ],
)
def test_what_is_no_http(tiny: Any, data: bytes) -> None:
    answer = raw(tiny.port, data)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:200]
    assert tiny.get("/health").status == 200


def test_requests_that_never_end_hold_nobody_up(tiny: Any) -> None:
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\n"
    )
    starts = [b"", b"P", head, head + b"Content-Length: 100\r\n\r\n", head + b"Content-Le"]
    peers = [socket.create_connection(("127.0.0.1", tiny.port), 60) for _ in range(60)]
    for index, peer in enumerate(peers):
        peer.sendall(starts[index % len(starts)])
    for _ in range(3):
        assert tiny.chat("hello", max_tokens=2).status == 200
        for index, peer in enumerate(peers):
            peer.sendall(b"{" if index % len(starts) == 3 else b"")
    for index, peer in enumerate(peers):
        reset(peer) if index % 2 else peer.close()


def test_too_many_requests_are_told_to_come_back(start: Any) -> None:
    server = start(contexts=2, queue_limit=4).wait_ready()
    fields: dict[str, Any] = {"max_tokens": 60, "ignore_eos": True, "temperature": 0}
    expected = server.chat("hello", **fields).text
    stream = StreamThread(server.port, "neighbour", **NEIGHBOUR)
    replies: list[Reply] = []
    body = {"messages": [{"role": "user", "content": "hello"}], **fields}

    def one(port: int, streamed: bool) -> None:
        replies.append(request(port, "POST", CHAT, body | {"stream": streamed}))

    threads = [threading.Thread(target=one, args=(server.port, bool(i % 2))) for i in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    served = [reply for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status == 429]
    assert len(served) + len(refused) == 64 and served and refused
    assert {reply.text for reply in served} == {expected}
    for reply in refused:
        assert int(reply.headers["retry-after"]) > 0
        assert (reply.error["type"], reply.error["code"]) == ("rate_limit_error", "overloaded")
    assert len(stream.text()) > 100
    assert server.chat("hello", **fields).text == expected
    server.check_healthy()


def test_waiting_too_long_is_said(start: Any) -> None:
    server = start(contexts=1, queue_limit=4, queue_wait_ms=200).wait_ready()
    endless = open_chat(server.port, "x", ignore_eos=True, max_tokens=100_000, stream=True)
    assert wait_until(lambda: server.active == 1)
    for stream in (True, False):
        reply = server.chat("hello", stream=stream)
        assert (reply.status, reply.error["type"]) in (
            (504, "timeout_error"),
            (429, "rate_limit_error"),
        )
    endless.close()
    assert wait_until(server.is_idle)
    assert server.chat("hello", max_tokens=2).status == 200


def test_a_request_ends_at_its_deadline(start: Any) -> None:
    server = start(request_timeout_ms=300).wait_ready()
    endless: dict[str, Any] = {"ignore_eos": True, "max_tokens": 100_000}
    reply = server.chat("x", **endless)
    assert (reply.status, reply.error["type"]) == (504, "timeout_error")
    streamed = server.chat("x", stream=True, **endless)
    assert streamed.status == 200 and streamed.events[-1]["error"]["code"] == "deadline_exceeded"
    assert json.loads(streamed.body.split(b"data: ")[1].strip())["choices"]
    server.check_healthy()
