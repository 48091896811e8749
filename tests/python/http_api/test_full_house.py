# SPDX-License-Identifier: AGPL-3.0-only
"""At the limit of connections and of the engine: probes are answered, refusals cost little."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import http.client
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from http_client import Reply, StreamThread, wait_until
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.http.wire import acceptor, connection, seats

PROBES = ("/health/ready", "/health/live", "/health", "/v1/health")
CHAT = "/v1/chat/completions"
HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\n"
    b"Content-Length: %d\r\n%b\r\n"
)


def connect(server: Any, count: int = 1) -> list[socket.socket]:
    return [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(count)]


def serve_one(peer: socket.socket) -> None:
    """A whole request, after which the connection rests."""
    peer.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")


def read_all(peer: socket.socket) -> bytes:
    return b"".join(iter(lambda: peer.recv(65536), b""))


@contextlib.contextmanager
def house(server: Any, count: int) -> Iterator[list[socket.socket]]:
    peers = connect(server, count)
    try:
        yield peers
    finally:
        for peer in peers:
            peer.close()


def open_connections(server: Any) -> int:
    return len(server.server.server_state.connections)


def test_a_house_full_of_idle_connections_serves_newcomers(start: Any) -> None:
    """Those that have rested longest are closed; nobody is refused."""
    server = start(max_connections=64)
    with house(server, 64) as peers:
        for peer in peers:
            serve_one(peer)
        for path in PROBES:
            assert server.get(path).status == 200
        assert server.chat().text == "You said: hello"
        assert open_connections(server) <= 64
        assert peers[0].recv(1) == b""  # the oldest went
        serve_one(peers[-1])  # the newest is still there


def test_a_house_full_of_silent_connections_answers_probes(start: Any) -> None:
    server = start(max_connections=4)
    with house(server, 4):
        assert wait_until(lambda: open_connections(server) == 4)
        for path in PROBES:
            reply = server.get(path)
            assert reply.status == 200 and reply.headers["connection"] == "close"


@pytest.mark.parametrize("left_out", ["head", "body", "refused body"])
def test_a_house_full_of_unfinished_requests_serves_newcomers(
    start: Any, monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    """They give way after a moment, and whoever asked for something is told why."""
    monkeypatch.setattr(seats, "SILENT_S", 0.1)
    monkeypatch.setattr(seats, "SLOW_S", 0.1)
    server = start(max_connections=4, api_key="secret")
    key = b"" if left_out == "refused body" else b"X-Api-Key: secret\r\n"
    request = HEAD % (1000, key)
    with house(server, 4) as peers:
        for peer in peers:
            peer.sendall(request[:40] if left_out == "head" else request + b"{")
        assert wait_until(lambda: open_connections(server) == 4)
        if left_out == "refused body":
            for peer in peers:
                assert peer.recv(65536).startswith(b"HTTP/1.1 401 ")
        else:
            time.sleep(0.1)
        assert wait_until(lambda: server.get("/v1/models", x_api_key="secret").status == 200)
        if left_out != "refused body":
            assert peers[0].recv(65536).startswith(b"HTTP/1.1 503 ")
        assert server.service.request_metrics.http_responses[200] >= 1


@contextlib.contextmanager
def deaf_house(server: Any, count: int) -> Iterator[list[socket.socket]]:
    """Connections that ask for a page again and again and read nothing."""
    with contextlib.ExitStack() as stack:
        peers = []
        for _ in range(count):
            peer = stack.enter_context(socket.socket())
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.connect(("127.0.0.1", server.port))
            peer.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                peer.send(b"GET /static/page.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
            peers.append(peer)
        yield peers


def test_answers_that_nobody_takes_give_way(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "SLOW_S", 0.1)
    server = start(max_connections=4)
    with deaf_house(server, 4):
        assert wait_until(lambda: open_connections(server) == 4)
        assert wait_until(lambda: server.get("/v1/models").status == 200)
        # The seat of that request may not be free yet: 503 until it is, as for the one before.
        replies: list[Any] = []
        assert wait_until(lambda: replies.append(server.chat()) or replies[-1].status == 200)
        assert {reply.status for reply in replies} <= {200, 503}
        assert replies[-1].text == "You said: hello"


def test_answers_that_nobody_takes_end(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STALL_S", 0.2)
    monkeypatch.setattr(connection, "LINGER_S", 0.1)
    server = start(max_connections=8)
    with deaf_house(server, 4):
        assert wait_until(lambda: open_connections(server) == 4)
        assert wait_until(lambda: open_connections(server) == 0)


def test_one_key_holds_a_part_of_the_house_with_its_watchers(start: Any) -> None:
    server = start(max_connections=8, api_keys="one:user:key-one,two:user:key-two")

    def watch(peer: socket.socket, key: bytes) -> bytes:
        request = b"GET /v1/stats/stream HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: %b\r\n\r\n"
        peer.sendall(request % key)
        return peer.recv(65536)[9:12]

    with house(server, 4) as peers:
        asked = [b"key-one"] * 3 + [b"key-two"]
        answers = [watch(peer, key) for peer, key in zip(peers, asked, strict=True)]
        assert answers == [b"200", b"200", b"429", b"200"]

    def is_free() -> bool:
        with house(server, 1) as (peer,):
            return watch(peer, b"key-one") == b"200"

    assert wait_until(is_free)


def busy(server: Any, count: int) -> list[StreamThread]:
    streams = [StreamThread(server.port, f"busy {i}") for i in range(count)]
    assert wait_until(lambda: all(stream.pieces for stream in streams))
    return streams


def check_full(reply: Reply) -> None:
    assert reply.status == 503 and reply.headers["connection"] == "close"
    assert int(reply.headers["retry-after"]) > 0 and reply.headers["x-request-id"]
    assert reply.error["type"] == "unavailable_error" and reply.error["code"] == "unavailable"


def test_a_house_full_of_work_answers_probes_only(start: Any) -> None:
    def slow() -> FakeEngine:
        return FakeEngine("0123456789" * 6, delay_s=0.05, contexts=4)

    server = start(slow, max_connections=4, cors_origins=["http://page.example"])
    busy(server, 4)
    origin = {"Origin": "http://page.example"}
    for _ in range(3):
        assert server.get("/health/ready").status == 200
        check_full(server.get("/v1/models"))
        reply = server.request("POST", CHAT, {"messages": []}, origin)
        check_full(reply)
        assert reply.headers["access-control-allow-origin"] == "http://page.example"
    assert server.service.request_metrics.http_responses[503] == 6


def test_beyond_the_reserve_nothing_is_read(start: Any) -> None:
    server = start(lambda: FakeEngine("0123456789" * 6, delay_s=0.05), max_connections=2)
    server.server.port.seats._reserve = 0
    busy(server, 2)
    (peer,) = connect(server)
    with peer:
        answer = http.client.HTTPResponse(peer)
        answer.begin()  # nothing was sent
        headers = {name.lower(): value for name, value in answer.getheaders()}
        check_full(Reply(answer.status, headers, answer.read()))
    assert server.service.request_metrics.http_responses[503] == 1
    assert open_connections(server) == 2


def test_who_gives_its_reserved_place_up_is_told(start: Any) -> None:
    server = start(lambda: FakeEngine("0123456789" * 6, delay_s=0.05), max_connections=1)
    server.server.port.seats._reserve = 1
    busy(server, 1)
    (first,) = connect(server)
    assert wait_until(lambda: open_connections(server) == 2)
    assert server.get("/health/live").status == 200
    with first:
        assert read_all(first).startswith(b"HTTP/1.1 503 ")


# A full engine


def fill(server: Any) -> None:
    """The one context is in use and the one place in the queue is taken."""
    server.started = [StreamThread(server.port, "long") for _ in range(2)]
    assert wait_until(lambda: server.engine.active == 1 and len(server.engine.line) == 1)


def full_server(start: Any, **settings: Any) -> Any:
    server = start(
        lambda: FakeEngine("0123456789" * 20, delay_s=0.05, contexts=1, queue_limit=1), **settings
    )
    fill(server)
    return server


def test_a_full_engine_refuses_before_the_body_comes(start: Any) -> None:
    """The body is never sent, and the answer is there all the same."""
    server = full_server(start)
    (peer,) = connect(server)
    with peer:
        peer.sendall(HEAD % (1000, b""))
        answer = http.client.HTTPResponse(peer)
        answer.begin()
        assert answer.status == 429 and int(answer.getheader("retry-after") or 0) > 0
        assert json.loads(answer.read())["error"]["code"] == "overloaded"
    assert server.engine.stats().requests_rejected == 1
    request_metrics = server.service.request_metrics
    assert (
        request_metrics.http_responses[429] == 1
        and request_metrics.total.errors["http", "overloaded"] == 1
    )


def test_a_refused_connection_stays_usable(start: Any) -> None:
    """The body that comes after the answer is thrown away; the next request is understood."""
    server = full_server(start)
    (peer,) = connect(server)
    body = b'{"messages":[{"role":"user","content":"GET / HTTP/1.1"}]}'
    with peer:
        for sent in (HEAD % (len(body), b"") + body, HEAD % (len(body), b"")):
            peer.sendall(sent)
            answer = http.client.HTTPResponse(peer)
            answer.begin()
            assert answer.status == 429 and answer.read()
        peer.sendall(body)
        serve_one(peer)


def test_who_asks_before_sending_is_refused_for_good(start: Any) -> None:
    """Nobody can tell whether the body will follow, so the connection ends with the answer."""
    server = full_server(start)
    (peer,) = connect(server)
    with peer:
        peer.sendall(HEAD % (5, b"Expect: 100-continue\r\n"))
        answer = http.client.HTTPResponse(peer)
        answer.begin()
        assert answer.status == 429 and answer.getheader("connection") == "close"
        assert answer.read() and peer.recv(1) == b""


def test_a_stranger_is_not_told_how_busy_it_is(start: Any) -> None:
    server = start(
        lambda: FakeEngine("0123456789" * 20, delay_s=0.05, contexts=1, queue_limit=0),
        api_key="secret",
    )
    key = {"X-Api-Key": "secret"}
    (peer,) = connect(server)
    body = b'{"messages":[{"role":"user","content":"x"}],"stream":true}'
    with peer:
        peer.sendall(HEAD % (len(body), b"X-Api-Key: secret\r\n") + body)
        assert wait_until(lambda: server.engine.active == 1)
        assert server.request("POST", CHAT, b"{}").status == 401
        assert server.request("POST", CHAT, b"{}", key).status == 429


def test_thousands_of_refusals_at_once_leave_room_between_them(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that arrive together are taken up a few in each turn; a probe goes before them."""
    server = start(max_connections=200)
    peers = connect(server, 100)
    assert wait_until(lambda: open_connections(server) == 100)
    taken: list[int] = []
    port = server.server.port

    async def burst() -> bytes:
        probe = connect(server)[0]
        for _ in range(5):
            await asyncio.sleep(0)
        for peer in peers:  # while the loop waits for us they all arrive
            peer.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
        probe.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        probe.setblocking(False)
        before = server.server.server_state.total_requests
        while True:
            await asyncio.sleep(0)
            taken.append(len(port.turns))
            with contextlib.suppress(BlockingIOError):
                answer = probe.recv(4096)
                taken.append(server.server.server_state.total_requests - before)
                probe.close()
                return answer

    assert server.call(burst()).startswith(b"HTTP/1.1 200 ")
    assert taken[-1] < 60 and max(taken[:-1]) > 40  # most of the hundred still waited
    for peer in peers:
        assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")
        peer.close()


# Accepting


class Crowd:
    """A listener behind which `count` connections wait; it may have no descriptor left."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.accepts: list[int] = [0]
        self.error = 0

    def fileno(self) -> int:
        return self._listener.fileno()

    def accept(self) -> tuple[socket.socket, Any]:
        self.accepts[-1] += 1
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        return self._listener.accept()

    def close(self) -> None:
        self._listener.close()


def acceptors(server: Any) -> Any:
    (found,) = server.server.acceptors
    return found


def test_a_turn_takes_a_bounded_number_of_connections(start: Any) -> None:
    server = start()
    crowd = Crowd(acceptors(server)._listener)

    async def look() -> list[socket.socket]:
        peers = connect(server, 100)  # the loop waits meanwhile
        acceptors(server)._listener = crowd
        while open_connections(server) < 100:
            crowd.accepts.append(0)
            await asyncio.sleep(0)
        return peers

    for peer in server.call(look()):
        peer.close()
    assert sum(crowd.accepts) >= 100 and max(crowd.accepts) <= acceptor.ACCEPTS_PER_TURN


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS])
def test_without_descriptors_accepting_pauses(
    start: Any, number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Hundreds of failures are one line of the log, and the loop does not turn in vain."""
    monkeypatch.setattr(acceptor, "_PAUSE_S", 0.001)
    server = start()
    accepting = acceptors(server)
    crowd = Crowd(accepting._listener)
    accepting._listener, crowd.error = crowd, number
    with caplog.at_level(logging.INFO), house(server, 3) as peers:
        assert wait_until(lambda: sum(crowd.accepts) >= 300)
        crowd.error = 0
        for peer in peers:
            serve_one(peer)
    lines = [r for r in caplog.records if getattr(r, "event", "") == "HTTP_ACCEPT_PAUSED"]
    assert len(lines) == 1 and lines[0].levelno == logging.ERROR
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == lines
    assert accepting._num_pauses >= 100


def test_a_pause_lasts(start: Any) -> None:
    """With a quarter of a second between two tries there are few of them."""
    server = start()
    accepting = acceptors(server)
    crowd = Crowd(accepting._listener)
    accepting._listener, crowd.error = crowd, errno.EMFILE

    async def count() -> int:
        connect(server)[0].close()
        before = accepting._num_pauses
        for _ in range(2000):
            await asyncio.sleep(0)
        return int(accepting._num_pauses) - before

    assert server.call(count()) <= 10
    crowd.error = 0


def test_an_idle_connection_gives_its_descriptor_up(start: Any) -> None:
    server = start()
    with house(server, 3) as peers:
        for peer in peers:
            serve_one(peer)
        accepting = acceptors(server)
        crowd = Crowd(accepting._listener)
        accepting._listener, crowd.error = crowd, errno.EMFILE
        probe = connect(server)[0]
        assert read_all(peers[0]) == b""  # the one that has rested longest
        crowd.error = 0
        serve_one(probe)
        probe.close()


def test_a_probe_gets_a_spare_descriptor(start: Any) -> None:
    """All descriptors are at work: what has been kept for probes lets one in."""

    def slow() -> FakeEngine:
        return FakeEngine("0123456789" * 6, delay_s=0.05)

    server = start(slow)
    busy(server, 1)
    accepting = acceptors(server)

    class NoneLeft(Crowd):
        def accept(self) -> tuple[socket.socket, Any]:
            self.error = 0 if len(accepting._spares) < acceptor.SPARE_DESCRIPTORS else errno.EMFILE
            return super().accept()

    accepting._listener = NoneLeft(accepting._listener)
    reply = server.get("/health/ready")
    assert reply.status == 200 and reply.headers["connection"] == "close"
    assert wait_until(lambda: len(accepting._spares) == acceptor.SPARE_DESCRIPTORS)
