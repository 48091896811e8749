# SPDX-License-Identifier: AGPL-3.0-only
"""What one peer may take, at and over each limit, with clients that behave and that do not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import zlib
from pathlib import Path
from typing import Any

import grpc
import h2.errors
import h2.events
import pytest

from h2_client import GENERATE, h2_peer
from http_wire import delays
from rpc_server import Rpc, failure, read, serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import Unavailable
from sentiric_llama.rpc import limits, receive
from sentiric_llama.rpc.generated import llama_pb2

QUESTION = llama_pb2.GenerateStreamRequest(user_prompt="x").SerializeToString()
MAX_BODY = 64 * 1024


def padded(size: int) -> bytes:
    """A valid request of exactly this many bytes; the padding is a field nobody knows."""
    rest = size - len(QUESTION) - 6
    return QUESTION + b"\xfa\x07" + varint(rest, 4) + bytes(rest)


def varint(value: int, width: int) -> bytes:
    parts = [value >> (7 * i) & 0x7F | (0x80 if i < width - 1 else 0) for i in range(width)]
    return bytes(parts)


async def test_message_size() -> None:
    async with serving(max_body_bytes=MAX_BODY) as rpc:
        raw = rpc.channel.unary_stream(GENERATE)
        assert len(padded(MAX_BODY)) == MAX_BODY
        assert [message async for message in raw(padded(MAX_BODY))]
        error = await failure(raw(padded(MAX_BODY + 1)))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(rpc.engine.requests) == 1


async def test_metadata_size() -> None:
    async with serving() as rpc:
        await read(rpc.generate(metadata=(("x-filler", "x" * 12_000),)))
        big = rpc.generate(metadata=(("x-filler", "x" * limits.MAX_METADATA_BYTES),))
        assert (await failure(big)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(rpc.engine.requests) == 1


async def test_a_mebibyte_of_metadata() -> None:
    async with serving() as rpc, h2_peer(rpc.server.port) as peer:
        before = resident_kib()
        peer.call(message=QUESTION, **{f"x_{i}": "x" * 4096 for i in range(256)})
        await peer.flush()
        while "grpc-status" not in peer.trailers():
            await peer.receive()
        assert peer.trailers()["grpc-status"] == "8"
        assert not rpc.engine.requests and resident_kib() - before < 64 * 1024
        await read(rpc.generate())


async def test_headers_without_an_end() -> None:
    """HTTP/2's CONTINUATION flood."""
    async with serving() as rpc, h2_peer(rpc.server.port) as peer:
        before = resident_kib()
        header = b"\x00\x01a\x7f\x81\x03" + b"x" * 512  # a literal of 512 bytes, never indexed
        peer.write_frame(kind=1, stream=1, payload=header)  # HEADERS, not the end of headers
        for count in range(20_000):
            peer.write_frame(kind=9, stream=1, payload=header)
            if count % 100 == 0:
                await peer.flush()
        assert resident_kib() - before < 64 * 1024
        await read(rpc.generate())


@pytest.mark.parametrize("algorithm", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_compressed_messages_count_as_what_they_become(algorithm: Any) -> None:
    def channel(address: str) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(address, compression=algorithm)

    async with serving(channel=channel, max_body_bytes=MAX_BODY) as rpc:
        raw = rpc.channel.unary_stream(GENERATE)
        assert [message async for message in raw(padded(MAX_BODY))]
        error = await failure(raw(padded(MAX_BODY + 1)))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(rpc.engine.requests) == 1


def resident_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def make_bomb(mebibytes: int) -> bytes:
    """Zeros as gzip, without ever holding them: the peak of this process is what is measured."""
    packer = zlib.compressobj(wbits=31)
    parts = [packer.compress(bytes(2**20)) for _ in range(mebibytes)]
    return b"".join((*parts, packer.flush()))


async def test_a_decompression_bomb_is_not_inflated() -> None:
    bomb = make_bomb(256)
    assert len(bomb) < 2**19
    async with serving() as rpc, h2_peer(rpc.server.port, window=2**20) as peer:
        before = resident_kib()
        for headers, status in (({"grpc_encoding": "gzip"}, "8"), ({}, "3")):  # announced, or not
            number = peer.call(message=None, **headers)
            await peer.flush()
            for part in range(0, len(bomb), 16_000):
                frame = bomb[part : part + 16_000]
                head = b"\x01" + len(bomb).to_bytes(4, "big") if part == 0 else b""
                try:
                    while peer.connection.local_flow_control_window(number) < len(head + frame):
                        await peer.receive()
                    peer.connection.send_data(number, head + frame, end_stream=False)
                except h2.exceptions.ProtocolError:
                    break  # already refused
                await peer.flush()
            while "grpc-status" not in peer.trailers():
                await peer.receive()
            assert peer.trailers()["grpc-status"] == status
            peer.events.clear()
        assert resident_kib() - before < 32 * 1024
        assert not rpc.engine.requests
        await read(rpc.generate())


async def test_streams_of_one_connection() -> None:
    most = 4
    engine = lambda: FakeEngine("abc", contexts=16, delay_s=60)  # noqa: E731
    async with serving(engine, grpc_max_streams=most) as rpc:
        calls = [rpc.generate() for _ in range(most + 3)]
        while rpc.engine.active < most:
            await asyncio.sleep(0.005)
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert rpc.engine.active == most  # the others wait in the client
        for call in calls:
            call.cancel()
        await rpc.settled()


async def test_streams_of_a_peer_that_does_not_listen() -> None:
    """It opens its calls before it reads the limit."""
    engine = lambda: FakeEngine("abc", contexts=16, delay_s=60)  # noqa: E731
    async with serving(engine, grpc_max_streams=2) as rpc, h2_peer(rpc.server.port) as peer:
        for _ in range(6):
            peer.call(message=QUESTION)
        await peer.flush()
        while rpc.engine.active < 2:
            await asyncio.sleep(0.005)
        refused = 0
        while refused < 4 and not peer.is_closed:
            await peer.receive()
            refused = sum(isinstance(e, h2.events.StreamReset) for e in peer.events)
        assert rpc.engine.most_active == 2


async def test_calls_of_all_connections() -> None:
    async with serving(lambda: FakeEngine("abc", delay_s=60), max_connections=2) as rpc:
        calls = [rpc.generate() for _ in range(2)]
        while rpc.engine.active < 2:
            await asyncio.sleep(0.005)
        assert (await failure(rpc.generate())).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        for call in calls:
            call.cancel()
        await rpc.settled()


async def test_connections() -> None:
    async with serving(max_connections=2) as rpc, contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(h2_peer(rpc.server.port)) for _ in range(2)]
        for peer in peers:
            await peer.wait_for(h2.events.SettingsAcknowledged)
        async with h2_peer(rpc.server.port) as third:
            while not third.is_closed:
                await third.receive()
        assert not third.trailers() and not any(peer.is_closed for peer in peers)


async def test_a_flood_of_pings_ends_the_connection() -> None:
    async with serving() as rpc, h2_peer(rpc.server.port) as peer:
        for count in range(20):
            peer.connection.ping(count.to_bytes(8, "big"))
        await peer.flush()
        gone: Any = await peer.wait_for(h2.events.ConnectionTerminated)
        assert gone.error_code == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
        assert gone.additional_data == b"too_many_pings"
        await read(rpc.generate())  # others are not disturbed


async def test_connections_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTION_AGE_MS", 100)
    async with (
        serving(lambda: FakeEngine("abcdef", delay_s=0.1)) as rpc,
        h2_peer(rpc.server.port) as peer,
    ):
        call = rpc.generate()
        gone: Any = await peer.wait_for(h2.events.ConnectionTerminated)
        assert gone.error_code == h2.errors.ErrorCodes.NO_ERROR
        assert (await read(call))[0] == "abcdef"  # a running call goes on to its end
        await read(rpc.generate())


async def test_rapid_resets_leave_nothing() -> None:
    resets = 5000
    async with serving(lambda: FakeEngine("abc", delay_s=60)) as rpc:
        done = 0
        while done < resets:
            async with h2_peer(rpc.server.port) as peer:
                while done < resets and not peer.is_closed:
                    for _ in range(100):
                        number = peer.call(message=QUESTION)
                        peer.connection.reset_stream(number, h2.errors.ErrorCodes.CANCEL)
                        done += 1
                    await peer.flush()
                    peer.connection.ping(bytes(8))
                    await peer.flush()
                    await peer.receive()
        await rpc.settled()
        assert rpc.engine.capacity.available == 4
        rpc.engine.delay_s = 0
        assert (await read(rpc.generate()))[0] == "abc"


async def test_a_reader_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "STALL_S", 0.2)
    async with (
        serving(lambda: FakeEngine("x" * 10_000)) as rpc,
        h2_peer(rpc.server.port, window=20) as peer,
    ):
        peer.call(message=llama_pb2.GenerateStreamRequest(
            user_prompt="x", params={"max_new_tokens": 10_000}
        ).SerializeToString())  # fmt: skip
        await peer.flush()
        while not rpc.engine.active:
            await asyncio.sleep(0.005)
        await rpc.settled()
        assert rpc.engine.stats().requests_cancelled == 1


async def test_garbage_on_the_port() -> None:
    async with serving() as rpc:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + bytes(500), b"\xff" * 4096):
            reader, writer = await asyncio.open_connection("127.0.0.1", rpc.server.port)
            writer.write(garbage)
            await asyncio.wait_for(reader.read(), 20)
            writer.close()
        await read(rpc.generate())


async def test_a_port_that_is_taken() -> None:
    async with serving() as rpc:
        with pytest.raises(Unavailable, match=f"127.0.0.1:{rpc.server.port}.*GRPC_PORT"):
            take(rpc, rpc.server.port)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Unavailable):
        take(rpc, taken.getsockname()[1])


def take(rpc: Rpc, port: int) -> None:
    from sentiric_llama.rpc.server import RpcServer
    from sentiric_llama.settings.config import Settings
    from sentiric_llama.tls.setup import TlsSetup

    RpcServer(rpc.service, Settings(grpc_port=port), TlsSetup())


async def test_what_is_sent_leaves_at_once() -> None:
    """gRPC's core turns the delay off by itself; this says so if it ever stops."""
    async with serving() as rpc:
        assert (await read(rpc.generate()))[0]
        assert delays(rpc.server.port) == [False]


def literal(name: bytes, value: bytes) -> bytes:
    """A header of HPACK, not indexed and not compressed."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
