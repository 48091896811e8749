# SPDX-License-Identifier: AGPL-3.0-only
"""grpc.health.v1 and reflection, as grpc_health_probe and grpcurl use them."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from rpc_server import Rpc, failure, read, serving
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import ModelInvalid

NAMES = ("", "sentiric.llm.v1.LlamaService", "sentiric.llama.v1.EngineService")
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def stub(rpc: Rpc) -> Any:
    return health_pb2_grpc.HealthStub(rpc.channel)


async def check(rpc: Rpc) -> set[int]:
    """The status of every name."""
    asked = [health_pb2.HealthCheckRequest(service=name) for name in NAMES]
    return {(await stub(rpc).Check(request)).status for request in asked}


async def test_serving_from_ready_to_draining() -> None:
    async with serving(lambda: FakeEngine("abc", delay_s=0.05), ready=False) as rpc:
        assert await check(rpc) == {NOT_SERVING}
        rpc.attach()
        assert await check(rpc) == {SERVING}
        running = rpc.generate()
        await running.initial_metadata()
        while not rpc.engine.active:
            await asyncio.sleep(0.005)
        rpc.service.begin_drain()
        assert await check(rpc) == {NOT_SERVING}  # at once, while an answer still runs
        assert (await read(running))[0] == "abc"


async def test_a_model_that_failed() -> None:
    async with serving(ready=False) as rpc:
        rpc.service.fail(ModelInvalid("weights are missing", where="model"))
        assert await check(rpc) == {NOT_SERVING}


async def test_unknown_names() -> None:
    async with serving() as rpc:
        call = stub(rpc).Check(health_pb2.HealthCheckRequest(service="no.such"))
        assert (await failure(call)).code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("name", NAMES)
async def test_watch(name: str) -> None:
    async with serving(ready=False) as rpc:
        watch = stub(rpc).Watch(health_pb2.HealthCheckRequest(service=name))
        assert (await watch.read()).status == NOT_SERVING
        rpc.attach()
        assert (await watch.read()).status == SERVING
        rpc.service.begin_drain()
        assert (await watch.read()).status == NOT_SERVING
        watch.cancel()


async def test_probes_need_no_key() -> None:
    async with serving(api_key="secret", require_tenant=True) as rpc:
        assert await check(rpc) == {SERVING}
        watch = stub(rpc).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        watch.cancel()


async def test_a_watch_of_an_unknown_name() -> None:
    async with serving() as rpc:
        watch = stub(rpc).Watch(health_pb2.HealthCheckRequest(service="no.such"))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        watch.cancel()


VERSIONS = pytest.mark.parametrize("version", ["v1", "v1alpha"])


async def ask(rpc: Rpc, version: str, **request: Any) -> Any:
    """One answer of the reflection service. The messages of both versions have the same bytes."""
    ask_all = rpc.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    async for answer in ask_all(iter([reflection_pb2.ServerReflectionRequest(**request)])):
        return answer
    raise AssertionError("no answer")


async def files_with(rpc: Rpc, version: str, symbol: str) -> list[Any]:
    answer = await ask(rpc, version, file_containing_symbol=symbol)
    raw = answer.file_descriptor_response.file_descriptor_proto
    return [descriptor_pb2.FileDescriptorProto.FromString(item) for item in raw]


@VERSIONS
async def test_reflection_lists_every_service(version: str) -> None:
    async with serving() as rpc:
        listed = (await ask(rpc, version, list_services="")).list_services_response.service
        assert {service.name for service in listed} == {
            *NAMES[1:],
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        }


@VERSIONS
async def test_reflection_describes_the_contract(version: str) -> None:
    async with serving() as rpc:
        files = await files_with(rpc, version, "sentiric.llm.v1.GenerateStreamRequest")
        (contract,) = [file for file in files if file.package == "sentiric.llm.v1"]
        assert [method.name for method in contract.service[0].method] == ["GenerateStream"]


@VERSIONS
async def test_reflection_describes_itself(version: str) -> None:
    """Tools ask for it before anything else, and build their messages from the answer."""
    async with serving() as rpc:
        package = f"grpc.reflection.{version}"
        (file,) = await files_with(rpc, version, f"{package}.ServerReflection")
        assert file.package == package and file.service[0].name == "ServerReflection"
        assert file.service[0].method[0].input_type == f".{package}.ServerReflectionRequest"
        pool = descriptor_pool.DescriptorPool()
        pool.AddSerializedFile(file.SerializeToString())
        assert pool.FindServiceByName(f"{package}.ServerReflection").methods


@VERSIONS
async def test_reflection_needs_the_key(version: str) -> None:
    async with serving(api_key="secret") as rpc:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(rpc, version, list_services="")
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
