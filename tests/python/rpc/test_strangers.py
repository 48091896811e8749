# SPDX-License-Identifier: AGPL-3.0-only
"""What somebody without a key may send, and what it must not cost the others."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from h2_client import GENERATE, h2_peer
from rpc_server import Rpc, failure, read, serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.rpc import health, receive, server

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
REFLECT = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
NUM_PATHS = 2000


def stub(rpc: Rpc) -> Any:
    return health_pb2_grpc.HealthStub(rpc.channel)


async def status(rpc: Rpc) -> int:
    return int((await stub(rpc).Check(health_pb2.HealthCheckRequest())).status)


def mutated(path: bytes, chance: random.Random) -> bytes:
    """With bytes put in, changed and taken away, whatever they are."""
    bytes_ = bytearray(path)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(1, len(bytes_))
        bytes_[at : at + chance.randint(0, 2)] = chance.randbytes(chance.randint(0, 3))
    return bytes(bytes_)


async def test_mutated_names_of_methods() -> None:
    """None of them ends the server, the neighbour's stream, or reaches the engine."""
    chance = random.Random(10)
    slow = lambda: FakeEngine("abc", delay_s=60)  # noqa: E731
    async with serving(slow, api_key="secret", grpc_max_streams=NUM_PATHS) as rpc:
        neighbour = rpc.generate(metadata=(("x-api-key", "secret"),))
        while not rpc.engine.active:
            await asyncio.sleep(0.01)
        first = rpc.server._server
        for begin in range(0, NUM_PATHS, 100):
            async with h2_peer(rpc.server.port) as peer:
                paths = [mutated(GENERATE.encode(), chance) for _ in range(begin, begin + 100)]
                for path in paths:
                    peer.call(path)  # type: ignore[arg-type]
                await peer.flush()
                assert await status(rpc) == SERVING
        assert rpc.server._server is first, "it had to be replaced"
        assert len(rpc.engine.requests) == 1 and rpc.engine.active
        neighbour.cancel()


async def test_a_server_that_ends_by_itself_is_replaced() -> None:
    async with serving() as rpc:
        ended = rpc.server._server
        await ended.stop(0)
        async with asyncio.timeout(20):
            while rpc.server._server is ended:
                await asyncio.sleep(0.01)
        text, _ = await read(rpc.generate())
        assert text and await status(rpc) == SERVING


async def test_the_oldest_watch_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MAX_WATCHES", 3)
    async with serving() as rpc:
        watches = []
        for _ in range(5):
            watch = stub(rpc).Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == SERVING
            watches.append(watch)
        for watch in watches[:2]:
            assert await watch.code() is grpc.StatusCode.UNAVAILABLE
        rpc.service.begin_drain()
        for watch in watches[2:]:
            assert (await watch.read()).status == NOT_SERVING
            watch.cancel()


async def test_who_does_not_read_keeps_nobody_from_the_news() -> None:
    async with serving() as rpc, h2_peer(rpc.server.port, window=0) as peer:
        for _ in range(8):
            peer.call(WATCH)
        await peer.flush()
        watch = stub(rpc).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        rpc.service.begin_drain()
        async with asyncio.timeout(20):
            assert (await watch.read()).status == NOT_SERVING
        assert await status(rpc) == NOT_SERVING
        watch.cancel()


async def test_watches_and_questions_without_an_end_take_no_place_of_a_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "MAX_WATCHES", 8)
    monkeypatch.setattr(receive, "MAX_RECEIVING", 8)
    async with serving(max_connections=8) as rpc, h2_peer(rpc.server.port) as peer:
        for _ in range(40):
            peer.call(WATCH)
            peer.call(CHECK, message=None)
        await peer.flush()
        assert await status(rpc) == SERVING
        text, _ = await read(rpc.generate())
        assert text


@pytest.mark.parametrize("path", [CHECK, WATCH])
async def test_answers_that_nobody_takes(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """With a window of nothing an answer waits for ever, and so does the status behind it."""
    monkeypatch.setattr(receive.ProbeReceiver, "stall_s", 0.1)
    monkeypatch.setattr(health, "MAX_WATCHES", 8)
    async with (
        serving(max_connections=4, grpc_max_streams=1000) as rpc,
        h2_peer(rpc.server.port, window=0) as peer,
    ):
        for _ in range(300):
            peer.call(path)
        await peer.flush()
        for _ in range(4):
            assert await status(rpc) == SERVING
            text, _ = await read(rpc.generate())
            assert text
            await asyncio.sleep(0.1)


async def test_one_key_takes_half_of_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """With whatever it opens: reflection waits for questions, a chat for its message."""
    monkeypatch.setattr(server, "REFLECTION_S", 60.0)
    two = (("x-api-key", "key-two"),)
    async with (
        serving(max_connections=8, api_keys="one:user:key-one,two:user:key-two") as rpc,
        h2_peer(rpc.server.port) as peer,
    ):
        for _ in range(10):
            peer.call(REFLECT, message=None, x_api_key="key-one")
            peer.call(message=None, x_api_key="key-one")
        await peer.flush()
        while "grpc-status" not in peer.trailers():
            await peer.receive()
        assert peer.trailers()["grpc-status"] == "8"  # RESOURCE_EXHAUSTED
        text, _ = await read(rpc.generate(metadata=two))
        assert text


async def test_reflection_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REFLECTION_S", 0.1)
    async with serving() as rpc, h2_peer(rpc.server.port) as peer:
        peer.call(REFLECT, message=None)
        await peer.flush()
        async with asyncio.timeout(20):
            while "grpc-status" not in peer.trailers():
                await peer.receive()
        assert peer.trailers()["grpc-status"] == "4"  # DEADLINE_EXCEEDED


async def test_one_call_too_many() -> None:
    slow = lambda: FakeEngine("abc", contexts=8, delay_s=60)  # noqa: E731
    async with serving(slow, max_connections=3) as rpc:
        running = [rpc.generate() for _ in range(3)]
        while len(rpc.engine.requests) < 3:
            await asyncio.sleep(0.01)
        error = await failure(rpc.generate())
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and "3" in str(error.details())
        assert await status(rpc) == SERVING
        for call in running:
            call.cancel()
        await rpc.settled()
        running = [rpc.generate()]
        while len(rpc.engine.requests) < 4:
            await asyncio.sleep(0.01)
        running[0].cancel()


async def test_a_watch_does_not_hold_the_end_up() -> None:
    async with serving() as rpc:
        watch = stub(rpc).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        async with asyncio.timeout(20):
            await rpc.server.stop(60)


async def test_ipv4_alone_means_ipv4_alone() -> None:
    """gRPC opens 0.0.0.0 for IPv6 as well."""
    async with serving(host="0.0.0.0") as rpc:
        assert await status(rpc) == SERVING
        async with grpc.aio.insecure_channel(f"[::1]:{rpc.server.port}") as channel:
            rpc.use(channel)
            for call in (rpc.generate(), stub(rpc).Check(health_pb2.HealthCheckRequest())):
                assert (await failure(call)).code() in (
                    grpc.StatusCode.PERMISSION_DENIED,
                    grpc.StatusCode.UNAVAILABLE,  # a machine without IPv6
                )
        assert not rpc.engine.requests


async def test_one_key_that_stalls_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "MAX_RECEIVING", 4)
    monkeypatch.setattr(receive, "MAX_OF_ONE", 2)
    monkeypatch.setattr(receive, "UNDISTURBED_S", 60.0)
    async with (
        serving(api_keys="one:user:key-one,two:user:key-two") as rpc,
        h2_peer(rpc.server.port) as peer,
    ):
        for _ in range(20):
            peer.call(message=None, x_api_key="key-one")
        await peer.flush()
        async with asyncio.timeout(20):
            text, _ = await read(rpc.generate(metadata=(("x-api-key", "key-two"),)))
        assert text
