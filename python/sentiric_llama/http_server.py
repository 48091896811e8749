# SPDX-License-Identifier: AGPL-3.0-only
"""uvicorn as we run it: listening sockets, limits, certificates, and an end without resets."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sentiric_llama.banner import reachable
from sentiric_llama.config import PREFIX, Settings
from sentiric_llama.errors import Unavailable
from sentiric_llama.http.connection import Connection
from sentiric_llama.tls.https import RotatingContext
from sentiric_llama.tls.setup import TlsSetup

KEEP_ALIVE_S = 15
_CLOSE_S = 5
_MAX_INCOMPLETE_HEAD = 64 * 1024  # above our own 16 KB, so that it is us who answer 431

# linux/filter.h, asm-generic/socket.h
_BPF_RETURN = 0x06
_SO_ATTACH_FILTER = 26


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
