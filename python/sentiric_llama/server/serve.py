# SPDX-License-Identifier: AGPL-3.0-only
"""`serve`: puts settings, sockets, engine and protocols together, from start to drain.

The model loads while the modules of the protocols are still being imported. So this module imports
none of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.environment import colours_wanted
from sentiric_llama.host.process import allow_connections
from sentiric_llama.log.events import event
from sentiric_llama.log.setup import set_up_logging
from sentiric_llama.server.background import background_tasks
from sentiric_llama.server.drain import StopSignals, drain
from sentiric_llama.server.listening import bind
from sentiric_llama.server.loading import load, start_the_collector
from sentiric_llama.server.places import Places
from sentiric_llama.server.preflight import known_before_listening, pass_or_raise
from sentiric_llama.server.turns import ENGINE, HTTP, import_in_turns
from sentiric_llama.service.models.loader import Loader, OpenEngine
from sentiric_llama.service.models.switcher import Switcher
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.layers import Layer, name_in
from sentiric_llama.settings.load import Resolved
from sentiric_llama.settings.profiles import Profiles
from sentiric_llama.telemetry.request_metrics import CERTIFICATE_EXPIRY
from sentiric_llama.tls.setup import TlsSetup, set_up_tls
from sentiric_llama.tls.store import watch

if TYPE_CHECKING:
    from sentiric_llama.server.servers import Servers

EXIT_INTERRUPTED = 130
EXIT_ENGINE_LOST = 11
"""The engine's process died again and again; the log says why."""

logger = logging.getLogger(__name__)


def run(
    settings: Settings,
    open_engine: OpenEngine | None = None,
    profiles: Profiles | None = None,
    given: Layer | None = None,
) -> int:
    """Serves until a signal or a failure. Returns the process's exit code.

    `given` says where each setting comes from, for messages.
    """
    set_up_logging(
        settings.log_level, env=settings.env, colours=colours_wanted(), form=settings.log_format
    )
    resolved = Resolved(settings, given or {})
    try:
        for remark in pass_or_raise(known_before_listening(resolved)):
            name = "TLS_DISABLED" if remark.part == "certificates" else "SERVICE_CONFIGURED"
            event(logger, name, remark.text, logging.WARNING)
        tls = set_up_tls(settings)
        settings = fit_connections(settings)
        with contextlib.ExitStack() as sockets:
            listener = sockets.enter_context(listen(resolved, "http_port"))
            listen(resolved, "grpc_port").close()  # gRPC binds later and cannot say why it fails
            metrics = None
            if settings.metrics_enabled:
                metrics = sockets.enter_context(listen(resolved, "metrics_port"))
            source = Source(Loader(open_engine), profiles or Profiles())
            return asyncio.run(serve(settings, Sockets(listener, metrics), source, tls))
    except SentiricLlamaError as error:
        event(logger, "SERVICE_FAILED", str(error), logging.ERROR)
        return error.mapping.exit_code


def listen(resolved: Resolved, name: str) -> socket.socket:
    """Listens on the port of a setting. An error names where the port was set."""
    names = (name_in(resolved.given, key) for key in ("host", name))
    return bind(resolved.settings.host, getattr(resolved.settings, name), *names)


def fit_connections(settings: Settings) -> Settings:
    """Limits connections to the file descriptors of the process."""
    allowed = allow_connections(settings.max_connections)
    if allowed == settings.max_connections:
        return settings
    text = f"the open-file limit allows {allowed} connections, not {settings.max_connections}"
    text += "; raise it with ulimit -n or LimitNOFILE"
    event(logger, "SERVICE_CONFIGURED", text, logging.WARNING)
    return settings.model_copy(update={"max_connections": allowed})


@dataclass(frozen=True, slots=True)
class Source:
    """Where models come from: the loader and the profiles."""

    loader: Loader
    profiles: Profiles


@dataclass(frozen=True, slots=True)
class Sockets:
    """What the servers listen on. gRPC binds a port of its own."""

    http: socket.socket
    metrics: socket.socket | None = None


async def serve(settings: Settings, sockets: Sockets, source: Source, tls: TlsSetup) -> int:
    """Loads and listens, answers until a signal, drains. Returns the exit code."""
    service = LlamaService(settings)
    read = tls.certificate_expiry_timestamp
    service.request_metrics.register_gauge(CERTIFICATE_EXPIRY, read)
    async with background_tasks(service):
        return await serve_protocols(service, sockets, source, tls)


async def serve_protocols(
    service: LlamaService, sockets: Sockets, source: Source, tls: TlsSetup
) -> int:
    """Runs the service from its start to its last answer."""
    stop = StopSignals()
    listening: asyncio.Future[Places] = asyncio.get_running_loop().create_future()
    loading = asyncio.create_task(load(service, source.loader, listening))
    switcher = Switcher(service, source.loader, source.profiles)
    stopped = asyncio.create_task(stop.first.wait())
    lost = asyncio.create_task(service.lost.wait())
    rotating = asyncio.create_task(watch(tls.stores, service.settings.tls_reload_s))
    servers: Servers | None = None
    try:
        await import_in_turns(ENGINE if service.settings.isolation == "process" else ())
        await import_in_turns(HTTP)
        from sentiric_llama.server.servers import Servers

        servers = Servers(service, tls, switcher)
        places = await servers.start(sockets.http, sockets.metrics)
        text = f"listening on {places.bound}, loading the model"
        event(logger, "SERVICE_START", text, host=service.settings.host)
        start_the_collector()
        listening.set_result(places)
        await asyncio.wait(
            (loading, stopped, servers.answering), return_when=asyncio.FIRST_COMPLETED
        )
        if loading.done():
            loading.result()
        await asyncio.wait((stopped, servers.answering, lost), return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(loading, stopped, lost, rotating)
        await switcher.stop()
        await drain(service, stop)
        if servers is not None:
            await servers.stop(is_forced=stop.second.is_set())
        stop.close()
        event(logger, "SERVICE_SHUTDOWN", "stopped")
    if service.lost.is_set():
        return EXIT_ENGINE_LOST
    return EXIT_INTERRUPTED if stop.second.is_set() else 0


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels the tasks and waits until they have ended, whatever with."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
