# SPDX-License-Identifier: AGPL-3.0-only
"""Every error has its status, and none is OK."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from rpc_server import Rpc, failure, read, serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import ERROR_CLASSES, ERROR_TABLE, Cancelled, ErrorCode, Overloaded

PATH = "/sentiric.llm.v1.LlamaService/GenerateStream"


@pytest.fixture(autouse=True)
def without_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiric_llama.errors.RETRY_JITTER", 0)


def detail(error: grpc.aio.AioRpcError, kind: type) -> object | None:
    """The google.rpc detail of this type."""
    raw = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(raw)
    assert status.code == error.code().value[0] and status.message == error.details()
    for packed in status.details:
        found = kind()
        if packed.Unpack(found):
            return found
    return None


@pytest.mark.parametrize("code", list(ErrorCode))
@pytest.mark.parametrize("after", [0, 3])
async def test_each_error(code: ErrorCode, after: int) -> None:
    error = ERROR_CLASSES[code]("what it was", where="place")
    async with serving(lambda: FakeEngine("abcdef", fail=error, fail_after=after)) as rpc:
        call = rpc.generate()
        received = []
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for message in call:
                received.append(message.token)
        await rpc.settled()
    assert b"".join(received) == b"abc"[:after]
    # The engine cancels nothing by itself: it can only have been closed.
    expected = ErrorCode.UNAVAILABLE if code is ErrorCode.CANCELLED else code
    found = caught.value
    assert found.code() is grpc.StatusCode[ERROR_TABLE[expected].grpc]
    assert found.code() is not grpc.StatusCode.OK
    info = detail(found, error_details_pb2.ErrorInfo)
    assert info.reason == expected.value.upper()  # type: ignore[union-attr]
    retry = detail(found, error_details_pb2.RetryInfo)
    pushback = dict(found.trailing_metadata() or ()).get("grpc-retry-pushback-ms")
    if ERROR_TABLE[expected].is_temporary:
        assert retry.retry_delay.seconds == 2 and pushback == "2000"  # type: ignore[union-attr]
    else:
        assert retry is None and pushback is None


async def test_a_defect_is_an_internal_error_without_its_text() -> None:
    class Broken(FakeEngine):
        async def tokenize(self, text: str, **_: bool) -> list[int]:
            raise KeyError("a private prompt")

    async with serving(Broken) as rpc:
        error = await failure(rpc.own.Tokenize(tokenize_request("x")))
        assert error.code() is grpc.StatusCode.INTERNAL
        assert error.details() == "unexpected error"


def tokenize_request(text: str) -> object:
    from sentiric_llama.rpc.generated import engine_pb2

    return engine_pb2.TokenizeRequest(text=text)


async def test_not_ready() -> None:
    async with serving(ready=False) as rpc:
        await check_unavailable(rpc)
        rpc.attach()
        await read(rpc.generate())
        rpc.service.begin_drain()
        await check_unavailable(rpc)


async def check_unavailable(rpc: Rpc) -> None:
    error = await failure(rpc.generate())
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert dict(error.trailing_metadata() or ())["grpc-retry-pushback-ms"] == "2000"
    assert (await failure(rpc.own.Tokenize(tokenize_request("x")))).code() is error.code()


@pytest.mark.parametrize("raw", [b"\xff", b"\x12\x02\xff\xfe", b"\x0a\x7f", b"\x2a\x01\xff"])
async def test_malformed_messages(raw: bytes) -> None:
    async with serving() as rpc:
        call = rpc.channel.unary_stream(PATH)(raw)
        assert (await failure(call)).code() is grpc.StatusCode.INVALID_ARGUMENT
        assert not rpc.engine.requests


async def test_unknown_methods_and_services() -> None:
    async with serving() as rpc:
        for path in ("/sentiric.llm.v1.LlamaService/No", "/no.Such/Method", "/x"):
            error = await failure(rpc.channel.unary_unary(path)(b""))
            assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_full_queue() -> None:
    async with serving(lambda: FakeEngine(contexts=1, queue_limit=0, delay_s=60)) as rpc:
        first = rpc.generate()
        await first.initial_metadata()
        while not rpc.engine.active:
            await asyncio.sleep(0.005)
        error = await failure(rpc.generate())
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert detail(error, error_details_pb2.RetryInfo) is not None
        first.cancel()
        await rpc.settled()


async def test_the_engines_own_retry_time() -> None:
    error = Overloaded("the queue is full", where="queue")
    error.retry_ms = 5250
    async with serving(lambda: FakeEngine(fail=error)) as rpc:
        found = await failure(rpc.generate())
    retry = detail(found, error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == 5250  # type: ignore[union-attr]
    assert dict(found.trailing_metadata() or ())["grpc-retry-pushback-ms"] == "5250"


async def test_closing_the_engine_ends_streams_with_unavailable() -> None:
    error = Cancelled("the engine was closed", where="engine")
    async with serving(lambda: FakeEngine("abc", fail=error, fail_after=1)) as rpc:
        assert (await failure(rpc.generate())).code() is grpc.StatusCode.UNAVAILABLE
