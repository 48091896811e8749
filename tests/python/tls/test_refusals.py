# SPDX-License-Identifier: AGPL-3.0-only
"""Whoever has no right certificate is refused before any handler, over gRPC and HTTPS."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import ssl
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from rpc_server import failure, read, serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.http.wire import acceptor, pending
from sentiric_llama.server import http_server, listening, servers
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.tls.https import RotatingContext, make_context
from sentiric_llama.tls.identity import read_identity
from sentiric_llama.tls.setup import TlsSetup
from sentiric_llama.tls.store import IdentityStore
from tls_files import ALLOWED, Pki

CHAT = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


def grpc_tls(pki: Pki) -> TlsSetup:
    return TlsSetup(grpc=IdentityStore(pki.files))


async def old_tls(pki: Pki, port: int) -> str:
    """The version that a client of TLS 1.1 agrees on with a server, or "refused"."""
    context = pki.old_context(pki.good_client())
    try:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname="localhost"
        )
    except OSError:
        return "refused"
    version = writer.get_extra_info("ssl_object").version()
    writer.close()
    return str(version)


async def test_the_client_of_tls_1_1_is_able_to(pki: Pki) -> None:
    context = make_context(read_identity(pki.files), client_certificates=True)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    assert await old_tls(pki, server.sockets[0].getsockname()[1]) == "TLSv1.1"
    server.close()


async def test_grpc(pki: Pki) -> None:
    """The eight cases; then one that may."""
    async with serving(tls=grpc_tls(pki), tls_allowed_names=f"x, {ALLOWED}") as rpc:
        for name, client in pki.clients().items():
            async with pki.channel(rpc.address, client) as channel:
                rpc.use(channel)
                refused = (await failure(rpc.generate())).code()
            in_handler = name == "name not allowed"
            codes = grpc.StatusCode
            assert refused is (codes.PERMISSION_DENIED if in_handler else codes.UNAVAILABLE), name
        async with grpc.aio.insecure_channel(rpc.address) as channel:
            rpc.use(channel)
            assert (await failure(rpc.generate())).code() is grpc.StatusCode.UNAVAILABLE
        assert await old_tls(pki, rpc.server.port) == "refused"
        assert not rpc.engine.requests and rpc.engine.stats().requests_submitted == 0
        async with pki.channel(rpc.address, pki.good_client()) as channel:
            rpc.use(channel)
            assert (await read(rpc.generate()))[0] == "You said: hello"


async def test_names_are_checked_for_every_method(pki: Pki) -> None:
    async with (
        serving(tls=grpc_tls(pki), tls_allowed_names=ALLOWED) as rpc,
        pki.channel(rpc.address, pki.leaf(["someone-else"])) as channel,
    ):
        for path in (
            "/sentiric.llama.v1.EngineService/GetCapacity",
            "/grpc.health.v1.Health/Check",
            "/grpc.health.v1.Health/Watch",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ):
            error = await failure(channel.unary_unary(path)(b""))
            assert error.code() is grpc.StatusCode.PERMISSION_DENIED, path


async def test_without_a_list_every_name_may_call(pki: Pki) -> None:
    async with (
        serving(tls=grpc_tls(pki)) as rpc,
        pki.channel(rpc.address, pki.leaf(["anyone"])) as channel,
    ):
        rpc.use(channel)
        await read(rpc.generate())


async def test_the_client_refuses_a_wrong_server(pki: Pki) -> None:
    pki.use(pki.leaf(["another-host"]))
    async with (
        serving(tls=grpc_tls(pki)) as rpc,
        pki.channel(rpc.address, pki.good_client()) as channel,
    ):
        rpc.use(channel)
        assert (await failure(rpc.generate())).code() is grpc.StatusCode.UNAVAILABLE
        assert not rpc.engine.requests


async def test_a_key_is_asked_for_on_top(pki: Pki) -> None:
    async with (
        serving(tls=grpc_tls(pki), api_key="secret") as rpc,
        pki.channel(rpc.address, pki.good_client()) as channel,
    ):
        rpc.use(channel)
        assert (await failure(rpc.generate())).code() is grpc.StatusCode.UNAUTHENTICATED
        await read(rpc.generate(metadata=(("x-api-key", "secret"),)))


# HTTPS


class Https:
    """uvicorn as `serve` configures it, on the test's loop."""

    def __init__(self, port: int, engine: FakeEngine, server: http_server.HttpServer) -> None:
        self.port = port
        self.engine = engine
        self.server = server

    async def chat(self, context: ssl.SSLContext | None, host: str = "localhost") -> Any:
        return await asyncio.to_thread(self._chat, context, host)

    def _chat(self, context: ssl.SSLContext | None, host: str) -> tuple[int, Any]:
        kind: Any = http.client.HTTPConnection
        connection = (
            http.client.HTTPSConnection(host, self.port, timeout=30, context=context)
            if context
            else kind(host, self.port, timeout=30)
        )
        with contextlib.closing(connection):
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/chat/completions", json.dumps(CHAT), headers)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())


@contextlib.asynccontextmanager
async def https(tls: TlsSetup, **settings: Any) -> AsyncIterator[Https]:
    config = Settings(**settings)
    service = LlamaService(config)
    engine = FakeEngine()
    service.attach(engine, ServedModel("fake"))
    server = http_server.HttpServer(servers.http_config(config, service, tls))
    with listening.bind("127.0.0.1", 0) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.005)
        yield Https(listener.getsockname()[1], engine, server)
        server.should_exit = server.force_exit = True
        await running


def https_tls(pki: Pki, *, mutual: bool) -> TlsSetup:
    return TlsSetup(https=IdentityStore(pki.files), https_client_certificates=mutual)


async def is_refused(server: Https, context: ssl.SSLContext | None) -> bool:
    """True when no answer came, or one that says no."""
    try:
        status, body = await server.chat(context)
    except (OSError, http.client.HTTPException):
        return True
    return bool(status == 403 and body["error"]["code"] == "certificate_not_allowed")


async def test_https_with_client_certificates(pki: Pki) -> None:
    async with https(https_tls(pki, mutual=True), tls_allowed_names=ALLOWED) as server:
        for name, client in pki.clients().items():
            assert await is_refused(server, pki.context(client)), name
        assert await is_refused(server, None)
        assert await old_tls(pki, server.port) == "refused"
        assert not server.engine.requests
        assert (await server.chat(pki.context(pki.good_client())))[0] == 200


async def test_https_without(pki: Pki) -> None:
    async with https(https_tls(pki, mutual=False)) as server:
        assert (await server.chat(pki.context(None)))[0] == 200
        assert await is_refused(server, None)
        assert await is_refused(server, ssl.create_default_context())  # does not know the CA


def handshake(pki: Pki, port: int) -> ssl.SSLSocket:
    peer = socket.create_connection(("127.0.0.1", port), 10)
    return pki.context(None).wrap_socket(peer, server_hostname="localhost")


async def test_accepted_sockets_send_at_once(pki: Pki) -> None:
    async with https(https_tls(pki, mutual=False)) as server:
        with await asyncio.to_thread(handshake, pki, server.port):
            (link,) = server.server.server_state.connections
            taken = link.transport.get_extra_info("socket")
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_handshakes_are_done_a_few_a_turn(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty clients greet at once, after a hundred that say nothing; a turn signs for a few."""
    begun, turn = Counter[int](), 0
    make = RotatingContext.wrap_bio

    def count(context: RotatingContext, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        begun[turn] += 1
        return make(context, *args, **kwargs)

    monkeypatch.setattr(RotatingContext, "wrap_bio", count)
    async with https(https_tls(pki, mutual=False)) as server:
        silent = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(100)]
        pool = ThreadPoolExecutor(50)
        greetings = [pool.submit(handshake, pki, server.port) for _ in range(50)]
        time.sleep(0.3)  # the loop stands still while they arrive
        while not all(greeting.done() for greeting in greetings):
            turn += 1
            await asyncio.sleep(0)
        assert begun.total() == 50 and max(begun.values()) <= acceptor.HANDSHAKES_PER_TURN
        assert len(server.server.port.seats) == 150
        for peer in (*silent, *(greeting.result() for greeting in greetings)):
            peer.close()
        pool.shutdown()


async def test_who_never_greets_is_dropped(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (acceptor, pending):
        monkeypatch.setattr(module, "HEAD_TIMEOUT_S", 0.1)
    async with https(https_tls(pki, mutual=False)) as server:
        with (
            socket.create_connection(("127.0.0.1", server.port), 10) as silent,
            socket.create_connection(("127.0.0.1", server.port), 10) as slow,
        ):
            slow.sendall(b"\x16\x03\x01")  # a greeting that stops
            for peer in (silent, slow):
                assert await asyncio.to_thread(peer.recv, 100) == b""
        while len(server.server.port.seats):
            await asyncio.sleep(0.01)
