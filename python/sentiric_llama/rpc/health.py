# SPDX-License-Identifier: AGPL-3.0-only
"""grpc.health.v1 over the service's state: SERVING while it accepts work, else NOT_SERVING.

The library's servicer holds a lock while it writes to a watcher, so one who does not read keeps
all others from the news; and it takes as many watchers as come.
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
    """Answers for "" and each name, without a key. Works on one event loop."""

    def __init__(self, service: LlamaService, names: Iterable[str]) -> None:
        self._service = service
        self._names = ("", *names)
        self._watches: dict[asyncio.Event, None] = {}
        """Each is set when there is news for it; the oldest first."""
        service.on_state_change.append(self._tell)

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
        """The status of now and each that follows. The oldest watch ends for one too many."""
        told = None
        with self._watch() as news:
            while news in self._watches:
                status = self._status(request.service)
                if status != told:
                    told = status
                    yield _Answer(status=status)
                await news.wait()
                news.clear()
        raise Unavailable("this watch has ended for others; watch again", where="health")

    def end_watches(self) -> None:
        """The server stops."""
        for news in self._watches:
            news.set()
        self._watches.clear()

    @contextlib.contextmanager
    def _watch(self) -> Iterator[asyncio.Event]:
        while len(self._watches) >= MAX_WATCHES:
            oldest = next(iter(self._watches))
            del self._watches[oldest]
            oldest.set()
        news = asyncio.Event()
        self._watches[news] = None
        try:
            yield news
        finally:
            self._watches.pop(news, None)

    def _status(self, name: str) -> Any:
        if name not in self._names:
            return _Answer.SERVICE_UNKNOWN
        return _Answer.SERVING if self._service.is_ready else _Answer.NOT_SERVING

    def _tell(self, _state: Readiness) -> None:
        for news in self._watches:
            news.set()
