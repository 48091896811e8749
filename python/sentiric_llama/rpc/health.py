# SPDX-License-Identifier: AGPL-3.0-only
"""grpc.health.v1: SERVING while the service accepts requests, else NOT_SERVING.

Not the library's servicer: that one holds a lock while it writes to a watcher, so that a watcher
who does not read blocks all others, and it has no limit on watchers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2

from sentiric_llama.access.rights import Access
from sentiric_llama.errors import Unavailable
from sentiric_llama.rpc.handlers import needs
from sentiric_llama.rpc.limits import MAX_WATCHES
from sentiric_llama.rpc.status import Context, abort_with
from sentiric_llama.service.readiness import Readiness
from sentiric_llama.service.service import LlamaService

SERVICE: ServiceDescriptor = health_pb2.DESCRIPTOR.services_by_name["Health"]  # type: ignore[assignment]

_Answer = health_pb2.HealthCheckResponse


class HealthServicer:
    """The health of "" and each name. Needs no key. Works on one event loop."""

    def __init__(self, service: LlamaService, names: Iterable[str]) -> None:
        self._service = service
        self._names = ("", *names)
        self._watches: dict[asyncio.Event, None] = {}
        self._is_stopping = False
        """One event per watch, set when the state changes. The oldest comes first."""
        service.on_state_change.append(self._notify)

    @needs(Access.PUBLIC)
    async def Check(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        status = self._status(request.service)
        if status == _Answer.SERVICE_UNKNOWN:
            code = grpc.StatusCode.NOT_FOUND
            await abort_with(context, code, "[service] no such service", "service_unknown")
        return _Answer(status=status)

    @needs(Access.PUBLIC)
    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, _context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The current status, and every change. At the limit, the oldest watch ends."""
        sent = None
        with self._watch() as changed:
            while changed in self._watches:
                status = self._status(request.service)
                if status != sent:
                    sent = status
                    yield _Answer(status=status)
                await changed.wait()
                changed.clear()
        if self._is_stopping:
            raise Unavailable("the server is stopping", where="health")
        text = "too many watches, so the oldest one was ended; watch again"
        raise Unavailable(text, where="health")

    def end_watches(self) -> None:
        """Ends all watches: the server stops."""
        self._is_stopping = True
        for changed in self._watches:
            changed.set()
        self._watches.clear()

    @contextlib.contextmanager
    def _watch(self) -> Iterator[asyncio.Event]:
        while len(self._watches) >= MAX_WATCHES:
            oldest = next(iter(self._watches))
            del self._watches[oldest]
            oldest.set()
        changed = asyncio.Event()
        self._watches[changed] = None
        try:
            yield changed
        finally:
            self._watches.pop(changed, None)

    def _status(self, name: str) -> Any:
        if name not in self._names:
            return _Answer.SERVICE_UNKNOWN
        return _Answer.SERVING if self._service.is_ready else _Answer.NOT_SERVING

    def _notify(self, _state: Readiness) -> None:
        for changed in self._watches:
            changed.set()
