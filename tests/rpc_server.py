# SPDX-License-Identifier: AGPL-3.0-only
"""A gRPC server on a free port and a client of it, both on the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.rpc.generated import engine_pb2_grpc, llama_pb2, llama_pb2_grpc
from sentiric_llama.rpc.server import RpcServer
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.tls.setup import TlsSetup

MODEL = "fake-model"


class Rpc:
    """What a test needs of a running server."""

    def __init__(self, service: LlamaService, engine: FakeEngine, server: RpcServer) -> None:
        self.service = service
        self.engine = engine
        self.server = server
        self.address = f"127.0.0.1:{server.port}"
        self.channel: grpc.aio.Channel

    def use(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.llama: Any = llama_pb2_grpc.LlamaServiceStub(channel)
        self.own: Any = engine_pb2_grpc.EngineServiceStub(channel)

    def attach(self) -> None:
        self.service.attach(self.engine, ServedModel(MODEL, ("alias",), created=1))

    def generate(self, prompt: str = "hello", *, timeout: float | None = None,
                 metadata: Any = None, **fields: Any) -> Any:  # fmt: skip
        """A call whose messages have not been read."""
        request = llama_pb2.GenerateStreamRequest(user_prompt=prompt, **fields)
        return self.llama.GenerateStream(request, timeout=timeout, metadata=metadata)

    async def settled(self) -> None:
        """Waits until nothing runs any more."""
        async with asyncio.timeout(30):
            while self.service.in_flight or self.engine.active:
                await asyncio.sleep(0.005)


async def read(call: Any) -> tuple[str, Any]:
    """The text and the finish details of a GenerateStream call."""
    pieces, details = [], None
    async for message in call:
        if message.WhichOneof("type") == "token":
            pieces.append(message.token)
        else:
            assert details is None
            details = message.finish_details
    return b"".join(pieces).decode(), details


async def failure(call: Any) -> grpc.aio.AioRpcError:
    """The error of a call, which must not succeed."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    return caught.value


@contextlib.asynccontextmanager
async def serving(
    engine: Callable[[], FakeEngine] = FakeEngine,
    *,
    ready: bool = True,
    tls: TlsSetup | None = None,
    channel: Callable[[str], grpc.aio.Channel] = grpc.aio.insecure_channel,
    start: Callable[[grpc.aio.Server], None] = lambda _: None,
    **settings: Any,
) -> AsyncIterator[Rpc]:
    """A server over a fake engine, stopped on leaving."""
    config = Settings(grpc_port=0, **settings)
    service = LlamaService(config)
    server = RpcServer(service, config, tls or TlsSetup())
    start(server._server)
    await server.start()
    rpc = Rpc(service, engine(), server)
    if ready:
        rpc.attach()
    try:
        async with channel(rpc.address) as opened:
            rpc.use(opened)
            yield rpc
    finally:
        await server.stop(0)
