# SPDX-License-Identifier: AGPL-3.0-only
"""Clients that shut down their sending side after the request and wait for the response.

Their FIN looks like that of a client that has closed its socket, and only data tells them apart: a
closed socket answers it with a reset. So after a FIN, probes are sent that every client skips. If
the client has gone, the reset cancels its request one round trip after the FIN.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable

import h11
from uvicorn.protocols.http.h11_impl import RequestResponseCycle

from sentiric_llama.http.sse import KEEP_ALIVE
from sentiric_llama.http.wire.cork import CorkedTransport

FIRST_S = 0.1
"""From the first probe to the second: a proxy takes one before it passes the reset on."""
MOST_S = 15.0
"""Each wait is twice as long as the one before, up to this."""

_IS_SUPPORTED = hasattr(select, "epoll")


def can_wait(conn: h11.Connection, cycle: RequestResponseCycle, transport: CorkedTransport) -> bool:
    """True if a half-closed client can be told from one that has gone.

    HTTP/1.0 has no interim response for a probe, and asyncio's TLS closes both sides at once.
    """
    can_probe = conn.their_http_version != b"1.0" or transport.has_events or not _is_costly(cycle)
    return _IS_SUPPORTED and cycle.scope["scheme"] == "http" and can_probe


class HalfClosed:
    """Aborts a connection, whose FIN has arrived, as soon as it is reset."""

    def __init__(
        self,
        conn: h11.Connection,
        cycle_now: Callable[[], RequestResponseCycle],
        transport: CorkedTransport,
    ) -> None:
        """`cycle_now` returns the request that is being answered. Raises OSError."""
        self._conn = conn
        self._cycle_now = cycle_now
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        # asyncio stops watching the socket, which is readable for ever now. Without a mask, epoll
        # reports errors and resets only.
        self._resets = select.epoll()
        try:
            self._resets.register(transport.get_extra_info("socket").fileno(), 0)
        except OSError:
            self._resets.close()
            raise
        self._loop.add_reader(self._resets.fileno(), transport.abort)
        self._wait_s = FIRST_S
        self._timer = self._loop.call_soon(self._send_probe)

    def close(self) -> None:
        """Stops probing. Call before the socket is closed."""
        self._timer.cancel()
        if not self._resets.closed:
            self._loop.remove_reader(self._resets.fileno())
            self._resets.close()

    def _send_probe(self) -> None:
        event = self._probe()
        if event is not None:
            self._transport.write(self._conn.send(event))
        self._timer = self._loop.call_later(self._wait_s, self._send_probe)
        self._wait_s = min(2 * self._wait_s, MOST_S)

    def _probe(self) -> h11.Event | None:
        """An interim response, or a comment between events. None while data is on its way."""
        cycle, transport = self._cycle_now(), self._transport
        if cycle.response_complete or transport.is_closing() or transport.get_write_buffer_size():
            return None
        if cycle.response_started:
            return h11.Data(data=KEEP_ALIVE) if transport.has_events else None
        if not _is_costly(cycle):
            return None
        return h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")


def _is_costly(cycle: RequestResponseCycle) -> bool:
    """Worth cancelling."""
    return bool(cycle.scope["method"] == "POST")
