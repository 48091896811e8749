# SPDX-License-Identifier: AGPL-3.0-only
"""The servers of all protocols over one service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import uvicorn

from sentiric_llama.http.app import build_app
from sentiric_llama.http.wire.load_shedding import LoadShedder
from sentiric_llama.log.events import event
from sentiric_llama.server.http_server import HttpServer, server_config
from sentiric_llama.server.listening import bound_url
from sentiric_llama.server.places import Places, places_of
from sentiric_llama.server.turns import GRPC, METRICS, import_in_turns
from sentiric_llama.service.models.switcher import Switcher
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.exposure import hosts_of
from sentiric_llama.tls.setup import TlsSetup

if TYPE_CHECKING:
    from sentiric_llama.rpc.server import RpcServer

METRICS_CONNECTIONS = 16
_CLOSE_NOW_S = 1
_LAST_REQUESTS_S = 0.2  # lets requests on connections just accepted get 503 instead of a reset
_RPC_CLOSE_S = 1  # all answers have ended; only health watches are left, which never end

logger = logging.getLogger(__name__)


class Servers:
    """HTTP first, which imports the least, then gRPC and the metrics."""

    def __init__(self, service: LlamaService, tls: TlsSetup, switcher: Switcher) -> None:
        self._service = service
        self._tls = tls
        self._http = make_http_server(
            http_config(service.settings, service, tls, switcher), service
        )
        self._rpc: RpcServer | None = None
        self._others = contextlib.AsyncExitStack()
        self.answering: asyncio.Task[None]
        """Ends when the HTTP server does."""

    async def start(self, http: socket.socket, metrics: socket.socket | None) -> Places:
        """Starts all. Raises Unavailable if gRPC cannot have its port."""
        self.answering = asyncio.create_task(self._http.serve(sockets=[http]))
        await import_in_turns(GRPC)
        from sentiric_llama.rpc.server import RpcServer

        self._rpc = RpcServer(self._service, self._service.settings, self._tls)
        await self._rpc.start()
        serving = serve_metrics(self._service, metrics, self._tls)
        await self._others.enter_async_context(serving)
        return places_of(http, self._rpc.url, "https" if self._tls.https else "http")

    async def stop(self, *, is_forced: bool) -> None:
        """Stops all after the last answer, the metrics last."""
        if is_forced:
            self._http.config.timeout_graceful_shutdown = _CLOSE_NOW_S
        await self._http.stop_listening()
        await asyncio.sleep(_LAST_REQUESTS_S)
        self._http.should_exit = True
        stopping = [self._rpc.stop(0 if is_forced else _RPC_CLOSE_S)] if self._rpc else []
        await asyncio.gather(self.answering, *stopping)
        await self._others.aclose()


@contextlib.asynccontextmanager
async def serve_metrics(
    service: LlamaService, listener: socket.socket | None, tls: TlsSetup
) -> AsyncIterator[None]:
    """Serves Prometheus metrics until the block ends, also while loading and draining.

    Uses the certificates and the access rules of the API.
    """
    if listener is None:
        yield
        return
    await import_in_turns(METRICS)
    from sentiric_llama.http.routes.metrics import build_metrics_app
    from sentiric_llama.metrics.collector import make_registry

    started_at = service.request_metrics.started_at
    app = build_metrics_app(make_registry(service), service.settings, service.keys, started_at)
    settings = service.settings.model_copy(update={"max_connections": METRICS_CONNECTIONS})
    server = HttpServer(server_config(app, settings, tls))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    url = bound_url(listener, "https" if tls.https else "http")
    event(logger, "METRICS_SERVER_READY", f"listening on {url}/metrics", host=settings.host)
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        await running


def http_config(
    settings: Settings,
    service: LlamaService,
    tls: TlsSetup | None = None,
    switcher: Switcher | None = None,
) -> uvicorn.Config:
    """uvicorn's configuration for the API of `service`, with the certificates of `tls`."""
    return server_config(build_app(service, settings, switcher), settings, tls)


def make_http_server(config: uvicorn.Config, service: LlamaService) -> HttpServer:
    """An HTTP server that refuses overload for `service` before it reads a body."""
    shedder = LoadShedder(service, service.keys, hosts_of(service.settings))
    return HttpServer(config, service.request_metrics.http_responses, shedder)
