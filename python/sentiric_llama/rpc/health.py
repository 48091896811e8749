# SPDX-License-Identifier: AGPL-3.0-only
"""grpc.health.v1 over the service's state: SERVING while it accepts work, else NOT_SERVING."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from sentiric_llama.access import Access
from sentiric_llama.rpc.guard import DeclaringServer
from sentiric_llama.service import LlamaService, Readiness


class HealthReporter:
    """Tells gRPC's health service of every change, for "" and each name."""

    def __init__(self, service: LlamaService, names: Iterable[str]) -> None:
        self._service = service
        self._names = ("", *names)
        self._servicer = health.aio.HealthServicer()
        self._task: asyncio.Task[None] | None = None

    def add_to(self, server: grpc.aio.Server) -> None:
        probes = DeclaringServer(server, Access.PUBLIC)
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, probes)  # type: ignore[arg-type]

    async def start(self) -> None:
        """Reports the state of now, and from now on every change."""
        await self._report()
        self._service.on_state_change.append(self._follow)

    def _follow(self, _state: Readiness) -> None:
        self._task = asyncio.get_running_loop().create_task(self._report())

    async def _report(self) -> None:
        kinds = health_pb2.HealthCheckResponse
        for name in self._names:  # the state is read late: reports may overtake each other
            is_ready = self._service.is_ready
            await self._servicer.set(name, kinds.SERVING if is_ready else kinds.NOT_SERVING)
