# SPDX-License-Identifier: AGPL-3.0-only
"""uvicorn with our sockets, limits and certificates, and a shutdown that resets no connection."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sentiric_llama.errors import InvalidArgument, SentiricLlamaError, Unavailable
from sentiric_llama.host.printable import quoted
from sentiric_llama.http.wire.acceptor import Acceptor
from sentiric_llama.http.wire.connection import KEEP_ALIVE_S, Connection
from sentiric_llama.http.wire.load_shedding import LoadShedder
from sentiric_llama.http.wire.port import Port
from sentiric_llama.http.wire.seats import Seat, Seats
from sentiric_llama.server.banner import reachable
from sentiric_llama.settings.config import PREFIX, Settings
from sentiric_llama.tls.https import RotatingContext
from sentiric_llama.tls.setup import TlsSetup

_CLOSE_S = 5
_MAX_INCOMPLETE_HEAD = 64 * 1024  # above our own 16 KB, so that our 431 comes first


def server_config(app: ASGIApp, settings: Settings, tls: TlsSetup | None = None) -> uvicorn.Config:
    """uvicorn's configuration with our connections, limits, certificates and logging."""
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
        timeout_keep_alive=int(KEEP_ALIVE_S),
        timeout_graceful_shutdown=_CLOSE_S,
        h11_max_incomplete_event_size=_MAX_INCOMPLETE_HEAD,
    )


def _context_factory(tls: TlsSetup) -> Callable[..., RotatingContext]:
    def make(*_: object) -> RotatingContext:
        assert tls.https is not None
        return RotatingContext(tls.https, client_certificates=tls.https_client_certificates)

    return make


def bind(
    host: str,
    port: int,
    host_name: str = f"{PREFIX}HOST",
    port_name: str = f"{PREFIX}HTTP_PORT",
) -> socket.socket:
    """A listening socket. Raises Unavailable or InvalidArgument, with what to change.

    The names say where host and port were set: by a flag, a variable or a key of a file.
    """
    family, address = address_of(host, port, host_name)
    # asyncio disables Nagle's delay only on sockets whose protocol is TCP by name.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        notice_dead_peers(listener)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise refusal(error, host, port, host_name, port_name) from None
    listener.setblocking(False)
    return listener


def address_of(host: str, port: int, name: str) -> tuple[socket.AddressFamily, Any]:
    """The address to bind. Raises InvalidArgument for an unknown host; `name` is its setting."""
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError):
        raise InvalidArgument(f"{name}: unknown host {quoted(host)}", where="serve") from None
    family, _, _, _, address = found[0]
    return family, address


def refusal(
    error: OSError, host: str, port: int, host_name: str, port_name: str
) -> SentiricLlamaError:
    """The error for an address that cannot be bound, with the setting to change."""
    if error.errno == errno.EADDRNOTAVAIL:
        return host_refusal(error, host, host_name)
    text = f"cannot listen on {host}:{port}: {error.strerror}"
    stop = "stop what uses it, or " if error.errno == errno.EADDRINUSE else ""
    return Unavailable(f"{text}; {stop}choose another port with {port_name}", where="serve")


def host_refusal(error: OSError, host: str, name: str) -> SentiricLlamaError:
    """The error for a host on which no port can be bound; `name` is its setting."""
    is_foreign = error.errno == errno.EADDRNOTAVAIL
    why = "is not an address of this machine" if is_foreign else f"cannot be used: {error.strerror}"
    return InvalidArgument(f"{name}: {host} {why}", where="serve")


def notice_dead_peers(listener: socket.socket) -> None:
    """Makes the kernel drop connections whose peer vanished or takes nothing.

    Accepted connections inherit the options. Without them, the service would go on working for a
    client whose machine lost power.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    seconds = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
    for name, value in (seconds | {"TCP_USER_TIMEOUT": 60_000}).items():
        if hasattr(socket, name):  # some systems lack some options
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def bound_url(listener: socket.socket, scheme: str = "http") -> str:
    """The address as it is bound: 0.0.0.0 is every interface."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """The address to type into a browser."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://{reachable(host)}:{port}"


class HttpServer(uvicorn.Server):
    """Accepts connections with an `Acceptor` and leaves signals to `StopSignals`, which drains.

    `statuses` counts the responses that are sent without the application, some by `shedder`.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        statuses: Counter[int] | None = None,
        shedder: LoadShedder | None = None,
    ) -> None:
        super().__init__(config)
        seats = Seats(config.limit_concurrency or sys.maxsize)
        self.port = Port(seats, Counter() if statuses is None else statuses, shedder)
        self.acceptors: list[Acceptor] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        context = self.config.ssl
        self.acceptors = [Acceptor(s, self.port, self._protocol, context) for s in sockets or []]
        for acceptor in self.acceptors:
            acceptor.start()
        self.servers: list[Any] = self.acceptors  # uvicorn closes them at the end
        self.started = True

    async def stop_listening(self) -> None:
        """Accepts no more connections. Answers those that the kernel has already accepted."""
        for acceptor in self.acceptors:
            await acceptor.finish()

    def _protocol(self, seat: Seat) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        connection: asyncio.Protocol = make(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            port=self.port,
            seat=seat,
        )
        return connection

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
