# SPDX-License-Identifier: AGPL-3.0-only
"""`serve`: puts settings, sockets, engine and protocols together, from start to drain."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.environment import colours_wanted
from sentiric_llama.host.process import allow_connections, give_memory_back
from sentiric_llama.host.terminal import is_watched, print_stderr
from sentiric_llama.http.app import build_app
from sentiric_llama.http.routes.metrics import build_metrics_app
from sentiric_llama.http.wire.load_shedding import LoadShedder
from sentiric_llama.log.events import event
from sentiric_llama.log.setup import flush, set_up_logging
from sentiric_llama.metrics.collector import make_registry
from sentiric_llama.rpc.server import RpcServer
from sentiric_llama.server.background import background_tasks
from sentiric_llama.server.banner import banner, summary
from sentiric_llama.server.drain import StopSignals, drain
from sentiric_llama.server.http_server import HttpServer, bind, bound_url, server_config
from sentiric_llama.server.load_progress import load_progress
from sentiric_llama.server.places import Places, places_of
from sentiric_llama.server.preflight import known_before_listening, pass_or_raise
from sentiric_llama.service.models.loader import Loader, OpenEngine
from sentiric_llama.service.models.slot import LoadedModel
from sentiric_llama.service.models.switcher import Switcher
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.exposure import hosts_of, key_ring
from sentiric_llama.settings.layers import Layer, name_in
from sentiric_llama.settings.load import Resolved
from sentiric_llama.settings.profiles import Profiles
from sentiric_llama.telemetry.request_metrics import CERTIFICATE_EXPIRY
from sentiric_llama.tls.setup import TlsSetup, set_up_tls
from sentiric_llama.tls.store import watch

EXIT_INTERRUPTED = 130
EXIT_ENGINE_LOST = 11
"""The engine's process died again and again; the log says why."""
METRICS_CONNECTIONS = 16
_CLOSE_NOW_S = 1
_LAST_REQUESTS_S = 0.2  # lets requests on connections just accepted get 503 instead of a reset
_RPC_CLOSE_S = 1  # all answers have ended; only health watches are left, which never end

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
            return asyncio.run(serve(settings, listener, source, tls, metrics))
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


async def serve(
    settings: Settings,
    listener: socket.socket,
    source: Source,
    tls: TlsSetup,
    metrics: socket.socket | None = None,
) -> int:
    """Listens first, then loads, answers until a signal, drains. Returns the exit code."""
    service = LlamaService(settings)
    read = tls.certificate_expiry_timestamp
    service.request_metrics.register_gauge(CERTIFICATE_EXPIRY, read)
    async with background_tasks(service), serve_metrics(service, metrics, tls):
        return await serve_protocols(service, listener, source, tls)


async def serve_protocols(
    service: LlamaService, listener: socket.socket, source: Source, tls: TlsSetup
) -> int:
    """Runs the service from listening to its last answer."""
    settings = service.settings
    rpc = RpcServer(service, settings, tls)  # binds its port now, or raises
    switcher = Switcher(service, source.loader, source.profiles)
    http = make_http_server(http_config(settings, service, tls, switcher), service)
    stop = StopSignals()
    await rpc.start()
    answering = asyncio.create_task(http.serve(sockets=[listener]))
    places = places_of(listener, rpc.url, "https" if tls.https else "http")
    loading = asyncio.create_task(load(service, source.loader, places))
    stopped = asyncio.create_task(stop.first.wait())
    lost = asyncio.create_task(service.lost.wait())
    rotating = asyncio.create_task(watch(tls.stores, settings.tls_reload_s))
    try:
        await asyncio.wait((loading, stopped, answering), return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            loading.result()
        await asyncio.wait((stopped, answering, lost), return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(loading, stopped, lost, rotating)
        await switcher.stop()
        await drain(service, stop)
        is_forced = stop.second.is_set()
        if is_forced:
            http.config.timeout_graceful_shutdown = _CLOSE_NOW_S
        await http.stop_listening()
        await asyncio.sleep(_LAST_REQUESTS_S)
        http.should_exit = True
        await asyncio.gather(answering, rpc.stop(0 if is_forced else _RPC_CLOSE_S))
        stop.close()
        event(logger, "SERVICE_SHUTDOWN", "stopped")
    if service.lost.is_set():
        return EXIT_ENGINE_LOST
    return EXIT_INTERRUPTED if stop.second.is_set() else 0


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
    started_at = service.request_metrics.started_at
    app = build_metrics_app(make_registry(service), service.settings, started_at)
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


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels the tasks and waits until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def load(service: LlamaService, loader: Loader, places: Places) -> None:
    """Finds and opens the model, then makes the service ready."""
    settings = service.settings
    try:
        text = f"listening on {places.bound}, loading the model"
        event(logger, "SERVICE_START", text, host=settings.host)
        file = await loader.find(settings)
        is_reported = settings.isolation == "process"
        async with load_progress(file.path, is_reported=is_reported) as tell:
            loaded = await loader.load(settings, file, tell)
    except SentiricLlamaError as error:
        service.fail(error)
        raise
    spare_the_collector()
    service.install(loaded)
    if not service.is_ready:  # a signal came while it was loading
        await service.close()
        return
    announce(loaded, places)


def spare_the_collector() -> None:
    """Collect once, then exempt what is left from later collections and return freed memory.

    Otherwise each full collection visits every module and stalls all streams: 50 to 80 ms on an
    AMD EPYC (Zen 3).
    """
    gc.collect()
    gc.freeze()
    give_memory_back()


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
    shedder = LoadShedder(service, key_ring(service.settings), hosts_of(service.settings))
    return HttpServer(config, service.request_metrics.http_responses, shedder)


def announce(loaded: LoadedModel, places: Places) -> None:
    """Logs the last line of the start; on a terminal a short one, followed by the banner."""
    settings, served, info = loaded.settings, loaded.served, loaded.engine.info
    text = summary(settings, served, info, places.http)
    if is_watched():
        text = f"ready at {places.http}"
    event(logger, "ALL_SERVERS_READY", text, load_s=round(loaded.load_seconds or 0.0, 2))
    if is_watched():
        flush()
        print_stderr(banner(settings, served, info, places.http, places.grpc))
