# SPDX-License-Identifier: AGPL-3.0-only
"""A client that only shuts down its sending side gets its whole response; a real close cancels."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from http_client import open_chat, reset, wait_until
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.http.wire import half_close
from sentiric_llama.types import Delta, Request

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs epoll")
pytestmark = linux

TEXT = "x" * 50
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HEAD = "POST /v1/chat/completions HTTP/{}\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class SteppedEngine(FakeEngine):
    """Generates a token only when the test allows one."""

    def __init__(self) -> None:
        super().__init__(TEXT)
        self.allowed = asyncio.Semaphore(0)

    async def _generate(self, request: Request, started: float) -> AsyncGenerator[Delta, None]:
        steps = super()._generate(request, started)
        async with contextlib.aclosing(steps):
            while True:
                await self.allowed.acquire()
                try:
                    yield await anext(steps)
                except StopAsyncIteration:
                    return


class Stepped:
    """A server whose engine waits for the test."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.port: int = server.port
        self.engine: SteppedEngine = server.engine

    def allow(self, tokens: int) -> None:
        for _ in range(tokens):
            self.server.loop.call_soon_threadsafe(self.engine.allowed.release)

    def generate(self, tokens: int, peer: socket.socket, *, stream: bool) -> None:
        """Lets it generate; a streaming client has received text."""
        self.allow(tokens)
        assert wait_until(lambda: self.generated == tokens)
        if stream:
            read_until(peer, b'"content":"x')

    @property
    def generated(self) -> int:
        return self.engine.stats().generated_tokens

    @property
    def cancelled(self) -> int:
        return self.engine.stats().requests_cancelled


@pytest.fixture
def stepped(start: Any) -> Stepped:
    return Stepped(start(SteppedEngine))


def read_until(peer: socket.socket, wanted: bytes) -> bytes:
    data = b""
    while wanted not in data:
        part = peer.recv(65536)
        assert part, data
        data += part
    return data


def read_all(peer: socket.socket) -> bytes:
    with peer:
        return b"".join(iter(lambda: peer.recv(65536), b""))


def half_closed(port: int, *, stream: bool, version: str = "1.1") -> socket.socket:
    body = json.dumps({"messages": [{"role": "user", "content": "hello"}], "stream": stream})
    peer = socket.create_connection(("127.0.0.1", port), timeout=60)
    head = HEAD.format(version) + f"Content-Length: {len(body)}\r\n\r\n"
    peer.sendall((head + body).encode())
    peer.shutdown(socket.SHUT_WR)
    return peer


def text_of(peer: socket.socket, *, stream: bool) -> str:
    """What a client reads to the end, skipping interim responses as http.client does."""
    with peer, http.client.HTTPResponse(peer) as answer:
        answer.begin()
        assert answer.status == 200
        body = answer.read()
        assert peer.recv(1) == b""  # no request can follow
    if not stream:
        return str(json.loads(body)["choices"][0]["message"]["content"])
    events = [line[6:] for line in body.decode().split("\n") if line.startswith("data: ")]
    assert events.pop() == "[DONE]"
    choices = [choice for event in events for choice in json.loads(event)["choices"]]
    return "".join(choice["delta"].get("content", "") for choice in choices)


@pytest.mark.parametrize("stream", [True, False])
def test_a_half_closed_post_gets_its_whole_response(start: Any, stream: bool) -> None:
    server = start(lambda: FakeEngine(TEXT, delay_s=0.005))
    assert text_of(half_closed(server.port, stream=stream), stream=stream) == TEXT
    assert server.engine.stats().requests_cancelled == 0
    assert wait_until(lambda: not server.server.server_state.connections)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("before", [0, 5])
def test_half_closed_in_the_middle(stepped: Stepped, stream: bool, before: int) -> None:
    peer = open_chat(stepped.port, "hello", stream=stream)
    if before:
        stepped.generate(before, peer, stream=stream)
    peer.shutdown(socket.SHUT_WR)
    has_begun = stream and before > 0
    read_until(peer, b": keep-alive\n\n" if has_begun else CONTINUE)
    stepped.allow(len(TEXT) + 1)
    rest = read_all(peer)
    assert b"[DONE]" in rest if stream else f'"content":"{TEXT}"'.encode() in rest
    assert stepped.cancelled == 0


def test_what_is_answered_at_once_needs_no_interim_response(start: Any) -> None:
    server = start()
    for request in (
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/models HTTP/1.0\r\n\r\n",
        b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    ):
        peer = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        peer.sendall(request)
        peer.shutdown(socket.SHUT_WR)
        assert read_all(peer).split()[1] in (b"200", b"400")


def test_pipelined_requests_of_a_half_closed_connection(start: Any) -> None:
    server = start(lambda: FakeEngine(delay_s=0.005))
    body = b'{"messages":[{"role":"user","content":"hello"}]}'
    head = HEAD.format("1.1").encode() + b"Content-Length: %d\r\n\r\n" % len(body)
    peer = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    peer.sendall(2 * (head + body))
    peer.shutdown(socket.SHUT_WR)
    assert read_all(peer).count(b"You said: hello") == 2
    assert server.engine.stats().requests_cancelled == 0


# A real close. The engine makes no further token: the cancel must not need one.


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("before", [0, 5])
@pytest.mark.parametrize("leave", [socket.socket.close, reset])
def test_a_real_close_cancels_without_another_token(
    stepped: Stepped, stream: bool, before: int, leave: Any
) -> None:
    peer = open_chat(stepped.port, "hello", stream=stream)
    assert wait_until(lambda: stepped.engine.active == 1)
    if before:
        stepped.generate(before, peer, stream=stream)
    leave(peer)
    assert wait_until(lambda: stepped.cancelled == 1)
    assert stepped.generated == before and stepped.engine.active == 0
    assert wait_until(lambda: not stepped.server.server.server_state.connections)


@pytest.mark.parametrize("stream", [True, False])
def test_a_half_closed_client_that_leaves_later(stepped: Stepped, stream: bool) -> None:
    peer = half_closed(stepped.port, stream=stream)
    read_until(peer, CONTINUE)
    peer.close()
    assert wait_until(lambda: stepped.cancelled == 1)
    assert stepped.generated == 0


def test_http_1_0_has_no_interim_response(stepped: Stepped) -> None:
    """So a FIN cancels, and nothing but the response is ever sent."""
    peer = half_closed(stepped.port, stream=False, version="1.0")
    assert read_all(peer) == b""
    assert wait_until(lambda: stepped.cancelled == 1)


class Relay:
    """A TCP proxy that passes a FIN on as a half-close, and ends when a write fails."""

    def __init__(self, target: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._target = target
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._target))
        forward = threading.Thread(target=copy, args=(client, server), daemon=True)
        forward.start()
        copy(server, client)
        forward.join()
        client.close()
        server.close()

    def close(self) -> None:
        self._listener.close()


def copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def relay(stepped: Stepped) -> Iterator[Relay]:
    made = Relay(stepped.port)
    yield made
    made.close()


@pytest.mark.parametrize("stream", [True, False])
def test_a_close_behind_a_proxy_cancels(stepped: Stepped, relay: Relay, stream: bool) -> None:
    """The first probe resets the proxy's connection, the second one ours."""
    peer = open_chat(relay.port, "hello", stream=stream)
    assert wait_until(lambda: stepped.engine.active == 1)
    peer.close()
    assert wait_until(lambda: stepped.cancelled == 1)
    assert stepped.generated == 0


def test_without_epoll_a_fin_cancels(stepped: Stepped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_close, "_IS_SUPPORTED", False)
    peer = half_closed(stepped.port, stream=False)
    assert read_all(peer) == b""
    assert wait_until(lambda: stepped.cancelled == 1)
