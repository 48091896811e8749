# SPDX-License-Identifier: AGPL-3.0-only
"""uvicorn with our sockets, limits and certificates, and a shutdown that resets no connection."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sentiric_llama.http.wire.acceptor import Acceptor
from sentiric_llama.http.wire.connection import KEEP_ALIVE_S, Connection
from sentiric_llama.http.wire.load_shedding import LoadShedder
from sentiric_llama.http.wire.port import Port
from sentiric_llama.http.wire.seats import Seat, Seats
from sentiric_llama.settings.config import Settings
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
