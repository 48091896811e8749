# SPDX-License-Identifier: AGPL-3.0-only
"""What an answer costs on the wire, in writes and socket options; no clock decides anything."""

from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import Coroutine
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from http_client import wait_until
from http_wire import Wire, delays
from sentiric_llama.http.wire import connection
from sentiric_llama.server import listening, servers
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.tls.setup import TlsSetup

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def events() -> Any:
    yield b"data: 1\n\n"
    await asyncio.sleep(0)
    yield b"data: 2\n\n"


@pytest.mark.parametrize(
    ("request_bytes", "answer", "most"),
    [
        (GET, JSONResponse({"a": 1}), 1),
        (POST, JSONResponse({"a": 1}), 1),
        (HEAD, JSONResponse({"a": 1}), 1),
        (GET, Response(status_code=204), 1),
        (GET, Response(b""), 1),
    ],
)
def test_a_whole_answer_is_one_write(request_bytes: bytes, answer: Response, most: int) -> None:
    async def check() -> None:
        wire = Wire(answer)
        transport = await wire.send([request_bytes])
        assert len(transport.writes) == most, transport.writes
        assert transport.writes[0].startswith(b"HTTP/1.1 20")
        assert transport.writes[0].endswith(b"\r\n\r\n" if not answer.body else answer.body) or (
            request_bytes is HEAD
        )
        await wire.send([request_bytes])  # kept alive: no more than on a fresh connection
        assert len(transport.writes) == 2 * most and transport.writes[0] == transport.writes[1]
        wire.hang_up()

    run(check())


def test_the_first_event_of_a_stream_leaves_with_the_head() -> None:
    async def check() -> None:
        wire = Wire(StreamingResponse(events(), media_type="text/event-stream"))
        transport = await wire.send([GET])
        assert b"\r\n\r\n" in transport.writes[0] and b"data: 1\n\n" in transport.writes[0]
        assert b"data: 2\n\n" in transport.writes[1] and len(transport.writes) == 3  # and the end
        wire.hang_up()

    run(check())


def test_a_head_whose_body_comes_late_is_not_held_back() -> None:
    async def check() -> None:
        go_on = asyncio.Event()

        async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await go_on.wait()
            await send({"type": "http.response.body", "body": b"late", "more_body": False})

        wire = Wire(slow)
        transport = await wire.send([GET])
        assert len(transport.writes) == 1 and transport.writes[0].endswith(b"\r\n\r\n")
        go_on.set()
        await wire.send([])
        assert b"late" in transport.writes[1]
        wire.hang_up()

    run(check())


def test_what_is_written_before_the_end_is_sent() -> None:
    """A connection that closes in the turn of its head does not lose it."""

    async def check() -> None:
        async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})

        wire = Wire(half)  # ends without a body: the server closes the connection
        transport = await wire.send([GET])
        assert transport.is_closed and transport.statuses == [200]
        wire.hang_up()

    run(check())


def test_the_metrics_port_sends_at_once() -> None:
    async def check() -> None:
        with listening.bind("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
            async with servers.serve_metrics(LlamaService(Settings()), listener, TlsSetup()):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert b" 200 " in await reader.readline()
                assert delays(port) == [False]
                writer.close()

    run(check())


def connections_of(server: Any) -> list[Any]:
    return list(server.server.server_state.connections)


def sends_at_once(link: Any) -> bool:
    taken = link.transport.get_extra_info("socket")
    return bool(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def test_every_accepted_socket_sends_at_once(start: Any) -> None:
    server = start()
    with socket.create_connection(("127.0.0.1", server.port), 10) as first:
        first.sendall(GET)
        assert first.recv(100)
        assert [sends_at_once(link) for link in connections_of(server)] == [True]


def test_the_last_sockets_send_at_once(start: Any) -> None:
    """Those that the kernel had completed when the server stopped listening."""
    server = start()

    async def stop_beside_newcomers() -> list[bool]:
        peers = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(3)]
        await server.server.stop_listening()
        for _ in range(10):
            await asyncio.sleep(0)
        found = [sends_at_once(link) for link in connections_of(server)]
        for peer in peers:
            peer.close()
        return found

    assert server.call(stop_beside_newcomers()) == [True] * 3


def test_a_listener_says_that_it_is_tcp() -> None:
    """The event loop turns the delay off for sockets of this protocol only."""
    with listening.bind("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


# How long a connection may rest


def test_a_connection_that_has_served_rests_longer_than_proxies_do() -> None:
    async def check() -> None:
        wire = Wire(JSONResponse({}))
        loop = asyncio.get_running_loop()
        assert wire.connection._timer is not None
        assert 9 < wire.connection._timer.when() - loop.time() <= 10  # it has sent nothing
        await wire.send([GET])
        assert 74 < wire.connection._timer.when() - loop.time() <= 75
        await wire.send([b"GET"])  # the next head has its own, shorter time
        assert 9 < wire.connection._timer.when() - loop.time() <= 10
        wire.hang_up()
        assert wire.connection._timer is None

    run(check())


def test_an_idle_connection_ends(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "KEEP_ALIVE_S", 0.3)
    server = start()
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for _ in range(2):
        kept.request("GET", "/health/live")
        assert kept.getresponse().read() == b'{"status":"alive"}'
    assert kept.sock.recv(1) == b""
    assert wait_until(lambda: not connections_of(server))
    kept.close()


def test_a_body_nobody_reads_does_not_keep_a_connection() -> None:
    """The answer is out, the rest of the request is thrown away, and that, too, has a deadline."""

    async def check() -> None:
        wire = Wire(JSONResponse({}))
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n"
        transport = await wire.send([head])
        assert transport.statuses == [200]
        for _ in range(3):
            timer = wire.connection._timer
            assert timer is not None
            await wire.send([b"x"])
            assert wire.connection._timer is timer  # bytes do not prolong it
        await wire.send([b"x" * 47])
        assert wire.connection._timer is not timer and not transport.is_closed
        await wire.send([GET])
        assert transport.statuses == [200, 200]
        wire.hang_up()

    run(check())
