# SPDX-License-Identifier: AGPL-3.0-only
"""Refusals of a full engine by the raw head: in the route's own words, and nothing else."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from typing import Any

import pytest

from http_client import StreamThread, wait_until
from sentiric_llama.access.api_key import Identity
from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import Overloaded
from sentiric_llama.http.wire.load_shedding import MAX_UNREAD, PER_TURN, SHEDDING_S, LoadShedder
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings

BODY = b'{"messages":[{"role":"user","content":"hello"}]}'
LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
MESSAGES = b"POST /v1/messages?beta=true HTTP/1.1\r\n"
RESPONSES = b"POST /v1/responses HTTP/1.1\r\n"
HEADERS = {
    b"Host": b"localhost",
    b"Content-Type": b"application/json",
    b"Content-Length": b"%d" % len(BODY),
}


def request(line: bytes = LINE, **headers: bytes | None) -> bytes:
    """A chat; headers are named with underscores, None leaves one out."""
    given = {name.replace("_", "-").title().encode(): value for name, value in headers.items()}
    lines = [b"%b: %b\r\n" % pair for pair in (HEADERS | given).items() if pair[1] is not None]
    return line + b"".join(lines) + b"\r\n" + BODY


class FullEngine(FakeEngine):
    """Has no room while `is_full`."""

    is_full = True

    def check_room(self) -> None:
        if self.is_full:
            self._count(requests_rejected=1)
            error = Overloaded("the queue is full", where="queue")
            error.retry_ms = 4200
            raise error


def make_shedder(keys: KeyRing | None = None) -> tuple[LoadShedder, LlamaService, FullEngine]:
    """A load shedder; the route has refused once."""
    service, engine = LlamaService(Settings()), FullEngine()
    service.attach(engine, ServedModel("fake"))
    with pytest.raises(Overloaded):
        service.require_room()
    return LoadShedder(service, keys or KeyRing([])), service, engine


@pytest.mark.parametrize("line", [LINE, MESSAGES, RESPONSES])
def test_it_says_what_the_route_says(
    start: Any, line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same request, read to its end and not: the same answer but for its id."""
    monkeypatch.setattr("sentiric_llama.errors.RETRY_JITTER", 0)
    server = start(lambda: FakeEngine("0123456789" * 20, delay_s=0.05, contexts=1, queue_limit=0))
    StreamThread(server.port, "long")
    assert wait_until(lambda: server.engine.active == 1)
    answers = []
    for is_full in (False, True):
        server.service.is_full = is_full
        with socket.create_connection(("127.0.0.1", server.port), 10) as peer:
            peer.sendall(request(line, connection=b"keep-alive", x_request_id=b"mine"))
            answers.append(peer.recv(65536))
    route, shedder = (set(answer.lower().split(b"\r\n")) for answer in answers)
    ours = {line for line in route if not line.startswith(b"date:")}
    assert ours <= shedder | {b"connection: keep-alive"}
    assert b"x-request-id: mine" in shedder and b"retry-after: 2" in shedder
    request_metrics = server.service.request_metrics
    assert (
        request_metrics.http_responses[429] == 2
        and request_metrics.total.errors["http", "overloaded"] == 2
    )
    assert request_metrics.total.requests["http", "chat", "error"] == 2
    assert server.engine.stats().requests_rejected == 2


def test_the_time_to_come_back_is_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiric_llama.errors.RETRY_JITTER", 0)
    shedder, _, _ = make_shedder()
    refusal = shedder.refusal(request())
    assert refusal and b"\r\nretry-after: 5\r\n" in refusal.answer
    head, _, body = refusal.answer.partition(b"\r\n\r\n")
    assert json.loads(body)["error"]["code"] == "overloaded"
    assert b"content-length: %d" % len(body) in head


def test_it_opens_when_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a few in each turn at first: all of them would find the same free place."""

    async def main() -> None:
        shedder, service, engine = make_shedder()
        assert shedder.refusal(request())
        engine.is_full = False
        for _ in range(3):
            through = [shedder.refusal(request()) is None for _ in range(10)]
            assert through == [True] * PER_TURN + [False] * (10 - PER_TURN)
            await asyncio.sleep(0)
        later = time.monotonic() + 2 * SHEDDING_S
        monkeypatch.setattr(time, "monotonic", lambda: later)
        assert not shedder.is_shedding
        assert [shedder.refusal(request()) for _ in range(10)] == [None] * 10
        engine.is_full = True
        assert shedder.refusal(request()) is None  # until the route has asked
        with pytest.raises(Overloaded):
            service.require_room()
        assert shedder.refusal(request())
        service.begin_drain()
        assert shedder.refusal(request()) is None  # the route has other words for it

    asyncio.run(main())


@pytest.mark.parametrize(
    "data",
    [
        request(b"GET /v1/chat/completions HTTP/1.1\r\n"),
        request(b"POST /v1/models/switch HTTP/1.1\r\n"),
        request(b"POST /v1/chat/completions?a=b HTTP/1.1\r\n"),
        request(b"POST /v1/chat/completions HTTP/1.0\r\n"),
        request(b"POST /v1/chat/completions%0a HTTP/1.1\r\n"),
        request(origin=b"http://page.example"),
        request(expect=b"100-continue"),
        request(transfer_encoding=b"chunked"),
        request(content_encoding=b"gzip"),
        request(content_type=b"text/plain"),
        request(content_type=None),
        request(content_length=None),
        request(content_length=b"-5"),
        request(content_length=b"5, 5"),
        request(content_length=b"99999999999"),
        request(host=None),
        request(host=b"rebound.example"),
        request(host=b"192.0.2.7"),
        request(x_a=b"1\r\n 2"),
        request(x_a=b"1\n2"),
        request(x_a=b"1\r\nContent-Length: 0"),
        request(x_a=b"a" * 20_000),
        request().partition(b"\r\n\r\n")[0],
        b"",
    ],
)
def test_whatever_it_is_not_sure_of_goes_the_usual_way(data: bytes) -> None:
    shedder, service, engine = make_shedder()
    assert shedder.refusal(data) is None
    assert engine.stats().requests_rejected == 1 and not service.request_metrics.http_responses


def test_the_hosts_of_this_server() -> None:
    _, service, _ = make_shedder()
    shedder = LoadShedder(service, KeyRing([]), ["*.example"])
    assert shedder.refusal(request(host=b"llm.example:16070"))
    assert shedder.refusal(request(host=b"192.0.2.7"), ("192.0.2.7", 16070))
    assert shedder.refusal(request(host=b"192.0.2.7"), ("192.0.2.8", 16070)) is None


def test_a_stranger_hears_nothing() -> None:
    keys = KeyRing(
        [
            ("secret", Identity("a", frozenset({"user"}))),
            ("m", Identity("b", frozenset({"metrics"}))),
        ]
    )
    shedder, _, engine = make_shedder(keys)
    for headers in ({}, {"x_api_key": b"wrong"}, {"x_api_key": b"m"}, {"authorization": b"secret"}):
        assert shedder.refusal(request(**headers)) is None
    assert engine.stats().requests_rejected == 1
    assert shedder.refusal(request(x_api_key=b"secret"))
    assert shedder.refusal(request(authorization=b"Bearer secret"))


def test_when_the_connection_ends() -> None:
    shedder, _, _ = make_shedder()
    for data, whole_only, closes in [
        (request(), False, False),
        (request()[:-5], False, False),  # the little that is missing is thrown away
        (request(connection=b"close"), False, True),
        (request(content_length=b"%d" % (MAX_UNREAD * 2)), False, True),
        (request(), True, True),
    ]:
        refusal = shedder.refusal(data, whole_only=whole_only)
        assert refusal is not None and refusal.closes is closes
        assert (b"\r\nconnection: close\r\n" in refusal.answer) is closes
    assert shedder.refusal(request()[:-1], whole_only=True) is None


def test_any_piece_of_a_head_is_left_alone() -> None:
    """No cut and no damaged byte makes the shedder raise, or refuse what is no whole head."""
    shedder, _, _ = make_shedder()
    data, dice = request(), random.Random(10)
    end = data.index(b"\r\n\r\n") + 4
    assert not any(shedder.refusal(data[:cut]) for cut in range(end))
    for _ in range(2000):
        damaged = bytearray(data)
        for _ in range(dice.randint(1, 3)):
            damaged[dice.randrange(end)] = dice.randrange(256)
        refusal = shedder.refusal(bytes(damaged))
        assert refusal is None or damaged.startswith((LINE, LINE.replace(b"/v1", b"")))


def full_server(start: Any) -> Any:
    server = start(lambda: FakeEngine("0123456789" * 20, delay_s=0.05, contexts=1, queue_limit=0))
    StreamThread(server.port, "long")
    assert wait_until(lambda: server.engine.active == 1)
    with socket.create_connection(("127.0.0.1", server.port), 10) as peer:
        peer.sendall(request())
        assert peer.recv(4096).startswith(b"HTTP/1.1 429 ")
    assert server.service.is_full
    assert wait_until(lambda: server.server.server_state.total_requests == 1)
    return server


def test_a_refused_newcomer_costs_no_task_and_no_parsing(start: Any) -> None:
    """Fifty whole chats on connections of their own: no request reaches the application."""
    server = full_server(start)
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", server.port), 10) as peer:
            peer.sendall(request())
            answer = peer.recv(65536)
            assert answer.startswith(b"HTTP/1.1 429 ")
    assert server.server.server_state.total_requests == 1
    assert server.service.request_metrics.http_responses[429] == 51
    assert wait_until(lambda: len(server.server.port.seats) <= 1)  # the stream's


def test_pipelined_chats_are_refused_one_by_one(start: Any) -> None:
    server = full_server(start)
    last = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 10) as peer:
        peer.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")
        peer.sendall(request() * 40 + last)
        answer = b"".join(iter(lambda: peer.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 429 ") == 40 and answer.count(b"HTTP/1.1 200 ") == 1


def test_a_chat_that_waits_in_the_backlog_is_refused_without_a_transport(start: Any) -> None:
    """Its bytes are there when it is accepted: it is answered on the bare socket, and closed."""
    server = full_server(start)
    (accepting,) = server.server.acceptors

    async def refuse() -> list[bytes]:
        peers = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(20)]
        for peer in peers:
            peer.sendall(request())
        opened = len(server.server.server_state.connections)
        while accepting._accept():
            pass
        assert not accepting._opening and len(server.server.server_state.connections) == opened
        answers = [b"".join(iter(lambda p=peer: p.recv(65536), b"")) for peer in peers]  # type: ignore[misc]
        for peer in peers:
            peer.close()
        return answers

    for answer in server.call(refuse()):
        assert answer.startswith(b"HTTP/1.1 429 ") and b"\r\nconnection: close\r\n" in answer
    assert server.service.request_metrics.http_responses[429] == 21
