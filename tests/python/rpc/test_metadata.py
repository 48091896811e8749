# SPDX-License-Identifier: AGPL-3.0-only
"""Ids in metadata, the tenant, the API key."""

from __future__ import annotations

import logging
import re
from typing import Any

import grpc
import pytest

from rpc_server import failure, read, serving
from sentiric_llama.log.trace import CURRENT_TRACE, Trace
from sentiric_llama.rpc.engine_servicer import SERVICE, EngineServicer
from sentiric_llama.rpc.generated import engine_pb2
from sentiric_llama.rpc.handlers import generic_handler
from sentiric_llama.rpc.receive import Receiver
from sentiric_llama.service.body_budget import BodyBudget
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings

TAILS = ("/", "%0A", "%0a", ";", "%20", " ", "//", "/..", "%00", "x")
IDS = ("x-trace-id", "x-span-id", "x-tenant-id", "x-request-id")


async def test_ids_come_back_and_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    traces: list[Trace] = []

    class Note(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            traces.append(CURRENT_TRACE.get())
            return True

    caplog.handler.addFilter(Note())
    with caplog.at_level(logging.INFO):
        async with serving() as rpc:
            traces.clear()
            sent = tuple((name, f"id-{number}") for number, name in enumerate(IDS))
            call = rpc.generate(metadata=sent)
            await read(call)
            assert dict(await call.initial_metadata()) == dict(sent)
    assert set(traces) == {Trace("id-0", "id-1", "id-2", "id-3", protocol="grpc")}
    events = [getattr(record, "event", "") for record in caplog.records]
    assert events[-3:] == ["LLM_REQUEST_RECEIVED", "LLM_TTFT_COMPUTED", "LLM_STREAM_COMPLETE"]


async def test_wrapped_and_bad_ids() -> None:
    async with serving() as rpc:
        call = rpc.generate(metadata=(("x-trace-id", 'Some("t-1")'), ("x-span-id", "a b;c")))
        await read(call)
        echoed = dict(await call.initial_metadata())
    assert echoed["x-trace-id"] == "t-1" and "x-span-id" not in echoed
    assert re.fullmatch("[0-9a-f]{32}", echoed["x-request-id"])


async def test_equal_ids_are_different_requests() -> None:
    async with serving() as rpc:
        calls = [rpc.generate(str(i), metadata=(("x-request-id", "same"),)) for i in range(16)]
        assert [(await read(call))[0] for call in calls] == [f"You said: {i}" for i in range(16)]


async def test_errors_carry_the_request_id() -> None:
    async with serving() as rpc:
        call = rpc.generate("", metadata=(("x-request-id", "mine"),))
        await failure(call)
        assert dict(await call.initial_metadata())["x-request-id"] == "mine"


async def test_tenant() -> None:
    async with serving(require_tenant=True) as rpc:
        error = await failure(rpc.generate())
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "tenant_id" in error.details()
        await read(rpc.generate(metadata=(("x-tenant-id", 'Some("acme")'),)))


@pytest.mark.parametrize(
    ("metadata", "allowed"),
    [
        ((), False),
        ((("authorization", "Bearer wrong"),), False),
        ((("authorization", "Bearer "),), False),
        ((("authorization", "secret"),), False),
        ((("authorization", "Basic secret"),), False),
        ((("x-api-key", "secre"),), False),
        ((("x-api-key-bin", b"secret"),), False),
        ((("authorization", "Bearer secret"),), True),
        ((("authorization", "bearer  secret"),), True),
        ((("x-api-key", "secret"),), True),
    ],
)
async def test_key(metadata: tuple[tuple[str, str], ...], allowed: bool) -> None:
    async with serving(api_key="secret") as rpc:
        calls = [rpc.generate(metadata=metadata), rpc.own.Tokenize(b"", metadata=metadata)]
        if allowed:
            await read(calls[0])
            return
        error = await failure(calls[0])
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "secret" not in str(error) and not rpc.engine.requests
        calls[1].cancel()


async def test_every_method_needs_the_key() -> None:
    async with serving(api_key="secret") as rpc:
        for path in (
            "/sentiric.llm.v1.LlamaService/GenerateStream",
            *(f"/sentiric.llama.v1.EngineService/{name}" for name in OWN_METHODS),
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            "/no.such.Service/Method",
        ):
            error = await failure(rpc.channel.unary_unary(path)(b"\xff"))
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED, path


def test_a_method_without_a_declaration_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async def Embed(self: Any, request: Any, context: Any) -> None:  # noqa: N802
        """Declares nothing."""

    monkeypatch.setattr(EngineServicer, "Embed", Embed)
    with pytest.raises(TypeError, match=r"EngineService\.Embed"):
        generic_handler(EngineServicer(LlamaService(Settings())), SERVICE, Receiver(BodyBudget(0)))


async def test_a_service_without_a_declaration_is_not_served() -> None:
    async def call(_request: bytes, _context: Any) -> bytes:
        raise AssertionError("it was served")

    handlers = {"Call": grpc.unary_unary_rpc_method_handler(call)}
    foreign = grpc.method_handlers_generic_handler("foreign.Service", handlers)
    async with serving(start=lambda server: server.add_generic_rpc_handlers((foreign,))) as rpc:
        error = await failure(rpc.channel.unary_unary("/foreign.Service/Call")(b""))
        assert error.code() in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED)


@pytest.mark.parametrize("tail", TAILS)
async def test_other_spellings_of_a_method(tail: str) -> None:
    """They are other methods: a key finds none, and nobody else gets that far."""
    async with serving(api_keys="app:user:u,scrape:metrics:m") as rpc:
        for path in ("/sentiric.llama.v1.EngineService/Cancel", "/grpc.health.v1.Health/Check"):
            for key, code in (
                ("u", "UNIMPLEMENTED"),
                ("m", "PERMISSION_DENIED"),
                ("x", "UNAUTHENTICATED"),
            ):
                call = rpc.channel.unary_unary(path + tail)
                error = await failure(call(b"", metadata=(("x-api-key", key),)))
                assert error.code().name == code, (path, key)


async def test_tenants_of_a_key() -> None:
    keys = "app:user:u,gw:user@acme:g"
    async with serving(api_keys=keys) as rpc:
        for key, tenant, code in (
            ("g", "acme", None),
            ("g", "other", grpc.StatusCode.PERMISSION_DENIED),
            ("g", "a b", grpc.StatusCode.INVALID_ARGUMENT),
            ("u", "a b", grpc.StatusCode.INVALID_ARGUMENT),
            ("u", "other", None),
        ):
            metadata = (("x-api-key", key), ("x-tenant-id", tenant), ("x-request-id", "r1"))
            call = rpc.generate(metadata=metadata)
            if code is None:
                await read(call)
                continue
            assert (await failure(call)).code() is code
            assert dict(await call.initial_metadata())["x-request-id"] == "r1"
        scopes = [(request.cache_scope, request.tenant) for request in rpc.engine.requests]
    assert scopes == [("gw/acme", "gw/acme"), ("app", "app")]


async def test_the_class_realtime_needs_its_right() -> None:
    urgent = engine_pb2.ChatRequest(
        messages=[engine_pb2.ChatMessage(role="user", content="x")],
        priority=engine_pb2.PRIORITY_REALTIME,
    )
    async with serving(api_keys="app:user:u,voice:user+realtime:v") as rpc:
        assert [event async for event in rpc.own.Chat(urgent, metadata=(("x-api-key", "v"),))]
        error = await failure(rpc.own.Chat(urgent, metadata=(("x-api-key", "u"),)))
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        assert "user+realtime" in error.details() and len(rpc.engine.requests) == 1


async def test_roles() -> None:
    async with serving(api_keys="app:user:u,scrape:metrics:m,ops:admin:a") as rpc:
        for key in ("u", "a"):
            await read(rpc.generate(metadata=(("x-api-key", key),)))
        error = await failure(rpc.generate(metadata=(("x-api-key", "m"),)))
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        assert len(rpc.engine.requests) == 2


OWN_METHODS = ("Chat", "Embed", "Tokenize", "Detokenize", "GetCapacity", "Cancel")
