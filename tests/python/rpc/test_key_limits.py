# SPDX-License-Identifier: AGPL-3.0-only
"""Keys of a file over gRPC: the same limits as over HTTP, in gRPC's words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from key_files import Clock, entry, key_of, write_keys
from rpc_server import Rpc, failure, read, serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.rpc.generated import engine_pb2

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


def sent(name: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key_of(name)}"),)


def held(rpc: Rpc) -> Clock:
    """Stops the clock of the limits."""
    clock = rpc.service.limiter.clock = Clock()
    return clock


def slow() -> FakeEngine:
    return FakeEngine("0123456789" * 100, delay_s=0.02)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def retry_info(error: grpc.aio.AioRpcError) -> tuple[str, int]:
    """The reason and the wait in milliseconds of its details."""
    status: Any = rpc_status.from_call(error)
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        for message in (info, retry):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    return info.reason, retry.retry_delay.ToMilliseconds()


async def test_requests_a_minute(path: Path) -> None:
    async with serving(keys_file=write_keys(path, entry("app", requests_per_minute=2))) as rpc:
        clock = held(rpc)
        for _ in range(2):
            await read(rpc.generate(metadata=sent("app")))
        error = await failure(rpc.generate(metadata=sent("app")))
        assert error.code() is EXHAUSTED and "2 a minute" in (error.details() or "")
        assert retry_info(error) == ("RATE_LIMIT_EXCEEDED", 30_000)
        trailing = dict(error.trailing_metadata() or ())
        assert trailing["grpc-retry-pushback-ms"] == "30000"
        clock.now += 30
        await read(rpc.generate(metadata=sent("app")))


async def test_tokens_of_every_method_are_charged(path: Path) -> None:
    async with serving(keys_file=write_keys(path, entry("app", tokens_per_minute=30))) as rpc:
        clock = held(rpc)
        await rpc.own.Embed(engine_pb2.EmbedRequest(texts=["x" * 10]), metadata=sent("app"))
        await read(rpc.generate(metadata=sent("app")))  # 20 tokens
        error = await failure(rpc.generate(metadata=sent("app")))
        assert error.code() is EXHAUSTED and "tokens" in (error.details() or "")
        clock.now += 0.1
        await read(rpc.generate(metadata=sent("app")))


async def test_a_call_that_is_left_frees_its_place(path: Path) -> None:
    async with serving(slow, keys_file=write_keys(path, entry("app", concurrency=1))) as rpc:
        call = rpc.generate(metadata=sent("app"))
        await call.read()
        error = await failure(rpc.generate(metadata=sent("app")))
        assert error.code() is EXHAUSTED and "same time" in (error.details() or "")
        call.cancel()
        await rpc.settled()
        again = rpc.generate(metadata=sent("app"))
        await again.read()
        again.cancel()


async def test_http_and_grpc_share_one_place(path: Path) -> None:
    """The service counts, whatever the protocol."""
    async with serving(keys_file=write_keys(path, entry("app", requests_per_minute=1))) as rpc:
        from sentiric_llama.access.caller import make_caller

        held(rpc)
        who = rpc.service.keys.identify([(b"x-api-key", key_of("app").encode())])
        with rpc.service.limiter.hold(make_caller(who, (), True)):
            pass
        assert (await failure(rpc.generate(metadata=sent("app")))).code() is EXHAUSTED


async def test_models_of_a_key(path: Path) -> None:
    async with serving(keys_file=write_keys(path, entry("app", models=["none"]))) as rpc:
        error = await failure(rpc.generate(metadata=sent("app")))
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        assert "may not use the model fake-model" in (error.details() or "")
        assert not rpc.engine.requests


async def test_revoked_under_traffic(path: Path) -> None:
    async with serving(slow, keys_file=write_keys(path, entry("app"), entry("stays"))) as rpc:
        assert rpc.service.key_file is not None
        call = rpc.generate(metadata=sent("app"))
        await call.read()
        write_keys(path, entry("stays"))
        assert await asyncio.to_thread(rpc.service.key_file.refresh)
        error = await failure(rpc.generate(metadata=sent("app")))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert await call.read(), "a running call goes on"
        call.cancel()
        await rpc.settled()
