# SPDX-License-Identifier: AGPL-3.0-only
"""`serve`: settings, socket, engine and protocols put together, from start to drain."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import logging
import socket
import struct
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import uvicorn
from starlette.types import ASGIApp

from sentiric_llama.banner import banner, reachable, summary
from sentiric_llama.companions import companions
from sentiric_llama.config import (
    PREFIX,
    Settings,
    binding_warnings,
    environment_warnings,
    metrics_warnings,
)
from sentiric_llama.engine_protocol import AsyncEngineProtocol
from sentiric_llama.environment import colours_wanted
from sentiric_llama.errors import InternalError, SentiricLlamaError, Unavailable
from sentiric_llama.http.app import build_app
from sentiric_llama.http.connection import Connection
from sentiric_llama.http.metrics import build_metrics_app
from sentiric_llama.lifecycle import StopSignals, drain, warm_up
from sentiric_llama.log import event, set_up_logging
from sentiric_llama.memory import fit_to_memory
from sentiric_llama.metrics.collector import make_registry
from sentiric_llama.models import ModelFile, find_model
from sentiric_llama.rpc.server import RpcServer
from sentiric_llama.service import LlamaService, ServedModel
from sentiric_llama.tls.https import RotatingContext
from sentiric_llama.tls.setup import TlsSetup, set_up_tls
from sentiric_llama.tls.store import watch
from sentiric_llama.types import EngineConfig

OpenEngine = Callable[[EngineConfig], Awaitable[AsyncEngineProtocol]]
T = TypeVar("T")

EXIT_INTERRUPTED = 130
KEEP_ALIVE_S = 15
_CLOSE_S = 5
_CLOSE_NOW_S = 1
_LAST_REQUESTS_S = 0.2  # on connections that were just taken: answered with 503, not reset
_RPC_CLOSE_S = 1  # answers are over by then; what is left watches health and would never end
_MAX_INCOMPLETE_HEAD = 64 * 1024  # above our own 16 KB, so that it is us who answer 431
GUIDE_NOTICE = (
    "answered by the built-in guide, which only knows this service; for a real model: "
    "sentiric-llama serve ggml-org/gemma-3-1b-it-GGUF"
)

# linux/filter.h, asm-generic/socket.h
_BPF_RETURN = 0x06
_SO_ATTACH_FILTER = 26

logger = logging.getLogger(__name__)


def run(settings: Settings, open_engine: OpenEngine | None = None) -> int:
    """Serves until a signal or a failure. Returns the process's exit code."""
    set_up_logging(settings.log_level, env=settings.env, colours=colours_wanted())
    try:
        lines = (*environment_warnings(), *binding_warnings(settings), *metrics_warnings(settings))
        for line in lines:
            event(logger, "SERVICE_CONFIGURED", line, logging.WARNING)
        tls = set_up_tls(settings)
        for line in tls.warnings:
            event(logger, "TLS_DISABLED", line, logging.WARNING)
        with contextlib.ExitStack() as sockets:
            listener = sockets.enter_context(bind(settings.host, settings.http_port))
            metrics = None
            if settings.metrics_enabled:
                bound = bind(settings.host, settings.metrics_port, "METRICS_PORT")
                metrics = sockets.enter_context(bound)
            opener = open_engine or fitting(settings.fit)
            work = serve(settings, listener, opener, tls, metrics)
            return asyncio.run(work)
    except SentiricLlamaError as error:
        event(logger, "SERVICE_FAILED", str(error), logging.ERROR)
        return error.mapping.exit_code


async def serve(
    settings: Settings,
    listener: socket.socket,
    open_engine: OpenEngine,
    tls: TlsSetup,
    metrics: socket.socket | None = None,
) -> int:
    """Listens first, then loads, answers until a signal, drains. Returns the exit code."""
    service = LlamaService(settings)
    expiry = "llm_certificate_expiry_timestamp_seconds"
    service.accounts.register_gauge(expiry, tls.certificate_expiry_timestamp)
    async with companions(service), serve_metrics(service, metrics):
        return await serve_protocols(service, listener, open_engine, tls)


async def serve_protocols(
    service: LlamaService, listener: socket.socket, open_engine: OpenEngine, tls: TlsSetup
) -> int:
    """The life of the service from listening to its last answer."""
    settings = service.settings
    rpc = RpcServer(service, settings, tls)  # takes its port now, or raises
    http = HttpServer(http_config(settings, service, tls))
    stop = StopSignals()
    await rpc.start()
    answering = asyncio.create_task(http.serve(sockets=[listener]))
    places = Places(url_of(listener, "https" if tls.https else "http"), rpc.url)
    loading = asyncio.create_task(load(service, open_engine, places))
    stopped = asyncio.create_task(stop.first.wait())
    rotating = asyncio.create_task(watch(tls.stores, settings.tls_reload_s))
    try:
        await asyncio.wait((loading, stopped, answering), return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            loading.result()
        await asyncio.wait((stopped, answering), return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(loading, stopped, rotating)
        await drain(service, stop)
        is_forced = stop.second.is_set()
        if is_forced:
            http.config.timeout_graceful_shutdown = _CLOSE_NOW_S
        await http.stop_listening(listener)
        await asyncio.sleep(_LAST_REQUESTS_S)
        http.should_exit = True
        await asyncio.gather(answering, rpc.stop(0 if is_forced else _RPC_CLOSE_S))
        stop.close()
        event(logger, "SERVICE_SHUTDOWN", "stopped")
    return EXIT_INTERRUPTED if stop.second.is_set() else 0


@contextlib.asynccontextmanager
async def serve_metrics(
    service: LlamaService, listener: socket.socket | None
) -> AsyncIterator[None]:
    """Prometheus may ask as long as the block lasts, while loading and draining, too."""
    if listener is None:
        yield
        return
    started_at = service.accounts.started_at
    app = build_metrics_app(make_registry(service), service.settings, started_at)
    server = HttpServer(server_config(app, service.settings))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    event(logger, "METRICS_SERVER_READY", f"listening on {url_of(listener)}/metrics")
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        await running


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels the tasks and waits until they are over."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@dataclass(frozen=True, slots=True)
class Places:
    """Where callers find the service."""

    http: str
    grpc: str


async def load(service: LlamaService, open_engine: OpenEngine, places: Places) -> None:
    """Finds and opens the model, then makes the service ready."""
    started = time.monotonic()
    settings = service.settings
    try:
        text = f"listening on {places.http}, {places.grpc}, loading the model"
        event(logger, "SERVICE_START", text)
        model = await in_daemon_thread(lambda: find_model(settings))
        engine = await open_engine(engine_config(settings, model))
    except SentiricLlamaError as error:
        service.fail(error)
        raise
    served = served_model(settings, model)
    try:
        if settings.enable_warm_up:
            await warm_up(engine)
        service.load_seconds = time.monotonic() - started
        service.attach(engine, served)
    except BaseException as error:
        await engine.close()
        if isinstance(error, SentiricLlamaError):
            service.fail(error)
        raise
    if not service.is_ready:  # a signal came while it was loading
        await service.close()
        return
    announce(settings, served, engine, places, service.load_seconds)


def http_config(
    settings: Settings, service: LlamaService, tls: TlsSetup | None = None
) -> uvicorn.Config:
    """The API of `service`, with the certificates of `tls`."""
    return server_config(build_app(service, settings), settings, tls)


def server_config(app: ASGIApp, settings: Settings, tls: TlsSetup | None = None) -> uvicorn.Config:
    """uvicorn with our connections, limits, certificates and logging."""
    names = settings.tls_allowed_names if tls and tls.https_client_certificates else ()
    return uvicorn.Config(
        app,
        http=functools.partial(Connection, allowed_names=frozenset(names)),  # type: ignore[arg-type]
        ssl_context_factory=_context_factory(tls) if tls and tls.https else None,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.max_connections,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=_CLOSE_S,
        h11_max_incomplete_event_size=_MAX_INCOMPLETE_HEAD,
    )


def _context_factory(tls: TlsSetup) -> Callable[..., RotatingContext]:
    def make(*_: object) -> RotatingContext:
        assert tls.https is not None
        return RotatingContext(tls.https, client_certificates=tls.https_client_certificates)

    return make


def engine_config(settings: Settings, model: ModelFile) -> EngineConfig:
    """What the engine is told. The guide gets its own context size unless one was set."""
    own_size = model.is_guide and "context_size" not in settings.model_fields_set
    return EngineConfig(
        model_path=str(model.path),
        contexts=settings.contexts,
        context_size=0 if own_size else settings.context_size,
        batch_size=settings.batch_size,
        ubatch_size=settings.physical_batch_size,
        prefill_chunk=settings.prefill_chunk,
        stream_interval_ms=settings.stream_interval_ms,
        threads=settings.compute_threads,
        threads_batch=settings.compute_threads_batch,
        gpu_layers=settings.gpu_layers,
        use_mmap=settings.use_mmap,
        kv_offload=settings.kv_offload,
        flash_attention=settings.flash_attention,
        kv_layout=settings.kv_layout,
        cache_type_k=settings.cache_type_k,
        cache_type_v=settings.cache_type_v,
        lora_dir=settings.lora_dir,
        max_adapters=settings.max_adapters,
        itl_slo_ms=settings.itl_slo_ms,
        kv_cells=settings.kv_cells,
        prefix_cache=settings.prefix_cache,
        host_cache_bytes=settings.host_cache_bytes,
        disk_cache_dir=settings.disk_cache_dir,
        disk_cache_bytes=settings.disk_cache_bytes,
        speculation=settings.speculation,
        draft_model=str(model.draft or ""),
        draft_gpu_layers=settings.draft_gpu_layers,
        deterministic=settings.deterministic,
        jump_forward=settings.jump_forward,
        queue_tokens=settings.queue_tokens,
        queue_limit=settings.queue_limit,
        queue_wait_ms=settings.queue_wait_ms,
    )


def served_model(settings: Settings, model: ModelFile) -> ServedModel:
    """The names it answers to: the first alias is shown, the file's own name stays valid."""
    names = [*settings.model_alias, model.name, model.path.name]
    shown, *others = dict.fromkeys(names)
    return ServedModel(
        name=shown,
        aliases=tuple(others),
        notice=GUIDE_NOTICE if model.is_guide else "",
        created=int(time.time()),
    )


def announce(
    settings: Settings,
    model: ServedModel,
    engine: AsyncEngineProtocol,
    places: Places,
    seconds: float,
) -> None:
    """A banner on a terminal, one line of the log elsewhere."""
    text = summary(settings, model, engine.info, places.http)
    event(logger, "ALL_SERVERS_READY", text, load_s=round(seconds, 2))
    if sys.stderr.isatty():
        text = banner(settings, model, engine.info, places.http, places.grpc)
        print(text, file=sys.stderr)


def bind(host: str, port: int, setting: str = "HTTP_PORT") -> socket.socket:
    """A listening socket. Raises Unavailable saying why not and what to change.

    `setting` is what the port is called in the settings.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            notice_dead_peers(listener)
            listener.bind(address)
            listener.listen(1024)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {host}:{port}: {error.strerror}; "
            f"choose another with {PREFIX}HOST or {PREFIX}{setting}",
            where="serve",
        ) from None
    listener.setblocking(False)
    return listener


def notice_dead_peers(listener: socket.socket) -> None:
    """Connections inherit it: a peer that vanished or takes nothing is dropped by the kernel.

    Otherwise the work of a client whose machine lost power would go on to its end.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    seconds = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
    for name, value in (seconds | {"TCP_USER_TIMEOUT": 60_000}).items():
        if hasattr(socket, name):  # not every system has each
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """The address to type into a browser."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://{reachable(host)}:{port}"


async def open_async_engine(config: EngineConfig) -> AsyncEngineProtocol:
    """The native engine; imported here, so that nothing else needs the compiled module."""
    from sentiric_llama.async_engine import AsyncEngine

    return await AsyncEngine.open(config)


def fitting(mode: str) -> OpenEngine:
    """Opens the native engine in what the memory holds; `mode` is the setting `fit`."""

    async def open_fitting(config: EngineConfig) -> AsyncEngineProtocol:
        fitted, note = await in_daemon_thread(lambda: fit_to_memory(config, mode))
        if note:
            event(logger, "MODEL_MADE_TO_FIT", note, logging.WARNING)
        return await open_async_engine(fitted)

    return open_fitting


async def in_daemon_thread(work: Callable[[], T]) -> T:
    """`work()` on a thread that cannot keep the process alive: a download may take hours."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # None only when T is

    def body() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = work()
        except SentiricLlamaError as error:
            failure = error
        except Exception as error:
            logger.error("unexpected", exc_info=error, extra={"event": "MODEL_LOAD_FAILED"})
            failure = InternalError(f"cannot load ({type(error).__name__})", where="model")
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=body, name="model-load", daemon=True).start()
    return await done


def accepted(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that wait to be taken; none is waited for."""
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection


def close_the_door(listener: socket.socket) -> None:
    """The kernel completes no further connection; those that wait can still be taken.

    Otherwise one could slip in between the last accept and the close, and be reset. A filter that
    keeps no byte drops the first packet of newcomers, who find the port closed when they try again.
    """
    if sys.platform != "linux":
        return
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", _BPF_RETURN, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(drop_all))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


class HttpServer(uvicorn.Server):
    """Leaves the signals to `StopSignals`, which drains before it stops the server."""

    async def stop_listening(self, listener: socket.socket) -> None:
        """Takes no more connections. Those that the kernel had taken are answered, not reset."""
        servers = getattr(self, "servers", [])
        if not servers:  # it never started
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener.fileno())
        for _ in range(4):  # asyncio resets what it took and has not yet handed over
            await asyncio.sleep(0)
        close_the_door(listener)
        last = list(accepted(listener))
        for server in servers:
            server.close()
        for connection in last:
            await loop.connect_accepted_socket(self._protocol, connection, ssl=self.config.ssl)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        connection: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return connection

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
