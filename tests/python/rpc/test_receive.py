# SPDX-License-Identifier: AGPL-3.0-only
"""Messages on their way and in memory: few at once, none for long, all of them under one limit."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import grpc
import h2.events
import pytest
from google.protobuf.struct_pb2 import Struct

from h2_client import H2Peer, h2_peer
from rpc_server import failure, read, serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.rpc import handlers, parameters, receive
from sentiric_llama.rpc.generated import engine_pb2, llama_pb2
from sentiric_llama.service import body_budget
from sentiric_llama.service.body_budget import FREE_BYTES
from sentiric_llama.service.tokens import MAX_TOKENS_LISTED

MESSAGE = 2**20


async def send_all_that_is_taken(peer: H2Peer, calls: list[int]) -> dict[int, int]:
    """Bytes that the server let each call send before it went quiet."""
    sent = dict.fromkeys(calls, 0)
    while True:
        moved = False
        for call in calls:
            window = peer.connection.local_flow_control_window(call)
            size = min(window, 16_000, MESSAGE - 1 - sent[call])
            if size > 0:
                peer.connection.send_data(call, bytes(size))
                sent[call] += size
                moved = True
        await peer.flush()
        try:
            async with asyncio.timeout(0.01 if moved else 1):
                await peer.receive()
        except TimeoutError:
            if not moved:
                return sent


async def begin(peer: H2Peer, count: int) -> list[int]:
    """Calls with the head of a message of a mebibyte."""
    calls = [peer.call(message=None) for _ in range(count)]
    for call in calls:
        peer.connection.send_data(call, b"\0" + MESSAGE.to_bytes(4, "big"))
    await peer.flush()
    return calls


async def test_few_messages_arrive_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "MAX_RECEIVING", 2)
    monkeypatch.setattr(receive, "UNDISTURBED_S", 60.0)
    async with serving() as rpc, h2_peer(rpc.server.port) as peer:
        calls = await begin(peer, 6)
        sent = await send_all_that_is_taken(peer, calls)
        assert sorted(size > 2 * 65_536 for size in sent.values()) == [False] * 4 + [True] * 2, sent


async def test_who_sends_for_long_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "MAX_RECEIVING", 1)
    monkeypatch.setattr(receive, "UNDISTURBED_S", 0.3)
    async with serving() as rpc, h2_peer(rpc.server.port) as peer:
        await begin(peer, 1)
        await peer.wait_for(h2.events.ResponseReceived)
        assert await read(rpc.generate()), "its message waits for a place"
        await peer.wait_for(h2.events.TrailersReceived)
        assert peer.trailers()["grpc-status"] == "4"


async def test_a_message_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "RECEIVE_S", 0.3)
    async with serving() as rpc, h2_peer(rpc.server.port) as peer:
        await begin(peer, 1)
        await peer.wait_for(h2.events.TrailersReceived)
        assert peer.trailers()["grpc-status"] == "4"
        assert not rpc.engine.requests


async def test_a_call_without_a_message() -> None:
    async with serving() as rpc, h2_peer(rpc.server.port) as peer:
        number = peer.call(message=None)
        peer.connection.end_stream(number)
        await peer.flush()
        await peer.wait_for(h2.events.TrailersReceived)
        assert peer.trailers()["grpc-status"] == "3"


async def test_the_sum_of_messages_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_budget, "WHOLE_BODIES", 1)
    size = FREE_BYTES + 100_000
    slow = lambda: FakeEngine(first_delay_s=60)  # noqa: E731
    async with serving(slow, max_body_bytes=size) as rpc:
        budget = rpc.service.bodies
        held = [rpc.generate("x" * (FREE_BYTES + 70_000)) for _ in range(2)]
        async with asyncio.timeout(20):
            while len(rpc.engine.requests) < 2:
                await asyncio.sleep(0.01)
        assert 2 * 70_000 < budget.used < 2 * 80_000
        error = await failure(rpc.generate("x" * (FREE_BYTES + 70_000)))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        small = rpc.generate("x")
        async with asyncio.timeout(20):
            while len(rpc.engine.requests) < 3:
                await asyncio.sleep(0.01)
        for call in (*held, small):
            call.cancel()
        await rpc.settled()
        assert budget.used == 0


async def test_lists_of_tokens_at_and_over_the_limit() -> None:
    async with serving() as rpc:
        at = await rpc.own.Detokenize(engine_pb2.DetokenizeRequest(tokens=[97] * MAX_TOKENS_LISTED))
        assert len(at.text) == MAX_TOKENS_LISTED
        over = engine_pb2.DetokenizeRequest(tokens=[97] * (MAX_TOKENS_LISTED + 1))
        error = await failure(rpc.own.Detokenize(over))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        asked = engine_pb2.TokenizeRequest(text="a" * (MAX_TOKENS_LISTED + 1))
        error = await failure(rpc.own.Tokenize(asked))
        assert str(MAX_TOKENS_LISTED) in str(error.details())


def with_extra(count: int) -> llama_pb2.GenerationParams:
    extra = Struct()
    extra.update({"user": ["x"] * count})
    return llama_pb2.GenerationParams(engine_specific_params=extra)


async def test_extra_parameters_at_and_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[Any] = []
    convert = parameters.to_object
    monkeypatch.setattr(
        parameters,
        "to_object",
        lambda value: (threads.append(threading.current_thread()), convert(value))[1],
    )
    async with serving() as rpc:
        await read(rpc.generate(params=with_extra(10)))
        await read(rpc.generate(params=with_extra(20_000)))
        assert threads[0] is threading.current_thread() is not threads[1]
        error = await failure(rpc.generate(params=with_extra(60_000)))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT and len(threads) == 2


async def test_fields_at_and_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "MAX_FIELDS", 1000)
    number = engine_pb2.ChatRequest.DESCRIPTOR.fields_by_name["messages"].number
    empty = bytes([number << 3 | 2, 0])
    async with serving() as rpc:
        chat = rpc.channel.unary_stream("/sentiric.llama.v1.EngineService/Chat")
        assert "role" in str((await failure(chat(empty * 1000))).details())
        error = await failure(chat(empty * 1001))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "allowed 1000" in str(error.details())
