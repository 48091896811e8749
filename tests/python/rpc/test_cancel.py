# SPDX-License-Identifier: AGPL-3.0-only
"""Callers that leave, deadlines that pass: the work ends, and nothing stays behind."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import grpc
import pytest

from rpc_server import Rpc, failure, read, serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.rpc.generated import engine_pb2

CANCELS = 1000
AT_ONCE = 50
KEYS = "one:user:k1,two:user:k2,ops:admin:k3"


async def cancel_one(rpc: Rpc, seed: int) -> None:
    """A caller that leaves at a random point: before, between or after the messages."""
    chance = random.Random(seed)
    call = rpc.generate("a question")
    for _ in range(chance.randrange(4)):
        await asyncio.sleep(0)
    if chance.random() < 0.7:
        for _ in range(chance.randrange(12)):
            await call.read()
    elif chance.random() < 0.5:
        await call.initial_metadata()
    call.cancel()
    assert await call.code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.OK)


async def test_1000_cancels_at_random_points_leave_nothing() -> None:
    async with serving(lambda: FakeEngine("0123456789", contexts=8, queue_limit=100)) as rpc:
        await asyncio.gather(*(cancel_one(rpc, -seed) for seed in range(1, AT_ONCE)))
        await rpc.settled()
        before = len(asyncio.all_tasks())
        rpc.engine.requests.clear()
        for first in range(0, CANCELS, AT_ONCE):
            await asyncio.gather(*(cancel_one(rpc, first + i) for i in range(AT_ONCE)))
        await rpc.settled()
        async with asyncio.timeout(30):
            while len(asyncio.all_tasks()) > before:
                await asyncio.sleep(0.005)
        stats = rpc.engine.stats()
        ended = stats.requests_completed + stats.requests_cancelled
        assert ended == stats.requests_submitted and stats.requests_failed == 0
        assert stats.requests_cancelled > CANCELS // 10
        assert rpc.engine.capacity.available == 8 and not rpc.service.running._streams
        assert (await read(rpc.generate()))[0] == "0123456789"


async def test_a_cancel_ends_the_work_at_once() -> None:
    async with serving(lambda: FakeEngine("abc", delay_s=60)) as rpc:
        call = rpc.generate()
        await call.initial_metadata()
        while not rpc.engine.active:
            await asyncio.sleep(0.005)
        call.cancel()
        await rpc.settled()
        assert rpc.engine.stats().requests_cancelled == 1


async def test_a_closed_channel_ends_its_calls() -> None:
    async with serving(lambda: FakeEngine("abc", delay_s=60)) as rpc:
        async with grpc.aio.insecure_channel(rpc.address) as other:
            path = "/sentiric.llm.v1.LlamaService/GenerateStream"
            calls = [other.unary_stream(path)(b"\x12\x01x") for _ in range(4)]
            while rpc.engine.active < 4:
                await asyncio.sleep(0.005)
        assert len(calls) == 4
        await rpc.settled()
        assert rpc.engine.stats().requests_cancelled == 4


@pytest.mark.parametrize(
    "engine",
    [
        lambda: FakeEngine("abc", first_delay_s=60),
        lambda: FakeEngine("abc", delay_s=60),
        lambda: FakeEngine("x" * 100_000, delay_s=0.001),
    ],
    ids=["prefill", "first token", "decode"],
)
@pytest.mark.parametrize("timeout", [0.001, 0.02, 0.2])
async def test_deadlines(engine: Any, timeout: float) -> None:
    async with serving(engine) as rpc:
        error = await failure(rpc.generate(timeout=timeout))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await rpc.settled()
        assert all(r.deadline_ms <= 1000 * timeout for r in rpc.engine.requests)


async def test_deadlines_in_the_queue_cost_no_token() -> None:
    async with serving(lambda: FakeEngine("abc", contexts=1, delay_s=60)) as rpc:
        first = rpc.generate()
        while not rpc.engine.active:
            await asyncio.sleep(0.005)
        errors = await asyncio.gather(*(failure(rpc.generate(timeout=0.05)) for _ in range(8)))
        assert {error.code() for error in errors} == {grpc.StatusCode.DEADLINE_EXCEEDED}
        assert rpc.engine.active == 1 and rpc.engine.most_active == 1
        first.cancel()
        await rpc.settled()
        assert rpc.engine.stats().generated_tokens == 0


async def test_the_shorter_limit_holds() -> None:
    async with serving(request_timeout_ms=5000) as rpc:
        for timeout in (None, 3600, 2.0):
            await read(rpc.generate(timeout=timeout))
        none, long, short = [request.deadline_ms for request in rpc.engine.requests]
    assert none == long == 5000 and 0 < short <= 2100
    async with serving(request_timeout_ms=0) as rpc:
        await read(rpc.generate())
        await read(rpc.generate(timeout=2.0))
        none, short = [request.deadline_ms for request in rpc.engine.requests]
    assert none == 0 and 0 < short <= 2100


def cancel_request(request_id: str) -> engine_pb2.CancelRequest:
    return engine_pb2.CancelRequest(request_id=request_id)


async def test_cancel_by_request_id() -> None:
    async with serving(lambda: FakeEngine("abc", delay_s=60), api_keys=KEYS) as rpc:
        mine, other = ((("x-api-key", key), ("x-request-id", "mine")) for key in ("k1", "k2"))
        calls = [rpc.generate(metadata=mine), rpc.generate(metadata=mine)]
        foreign = rpc.generate(metadata=other)
        while rpc.engine.active < 3:
            await asyncio.sleep(0.005)
        for key, request_id, ended in (("k3", "mine", 0), ("k1", "no", 0), ("k1", "mine", 2)):
            # Whose call it is follows from the key; what else the metadata claim does not count.
            metadata = (("x-api-key", key), ("x-tenant-id", "b"), ("x-request-id", "mine"))
            answer = await rpc.own.Cancel(cancel_request(request_id), metadata=metadata)
            assert answer.cancelled == ended
        for call in calls:
            assert (await failure(call)).code() is grpc.StatusCode.CANCELLED
        assert rpc.engine.active == 1
        foreign.cancel()
        await rpc.settled()
        assert (await failure(rpc.own.Cancel(cancel_request(""), metadata=mine))).code() is (
            grpc.StatusCode.INVALID_ARGUMENT
        )


async def test_without_keys_all_callers_are_one() -> None:
    async with serving(lambda: FakeEngine("abc", delay_s=60)) as rpc:
        for tenant in ("a", "b"):
            rpc.generate(metadata=(("x-request-id", "mine"), ("x-tenant-id", tenant)))
        while rpc.engine.active < 2:
            await asyncio.sleep(0.005)
        assert (await rpc.own.Cancel(cancel_request("mine"))).cancelled == 2
        await rpc.settled()


async def test_an_id_that_the_server_made_can_be_cancelled() -> None:
    async with serving(lambda: FakeEngine("abc", delay_s=60)) as rpc:
        call = rpc.generate()
        made = dict(await call.initial_metadata())["x-request-id"]
        while not rpc.engine.active:
            await asyncio.sleep(0.005)
        assert (await rpc.own.Cancel(cancel_request(made))).cancelled == 1
        assert await call.code() is grpc.StatusCode.CANCELLED
