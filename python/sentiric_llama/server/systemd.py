# SPDX-License-Identifier: AGPL-3.0-only
"""systemd's `Type=notify`: ready, stopping, status and the watchdog, over its datagram socket."""

from __future__ import annotations

import contextlib
import socket

from sentiric_llama.service.readiness import Readiness
from sentiric_llama.service.service import LlamaService

EXTEND_S = 30
"""Loading and draining may take this much longer each time we say so."""


class Notifier:
    """Tells systemd about one service. Every method does nothing when nobody listens."""

    def __init__(self, service: LlamaService, address: str) -> None:
        """`address` is NOTIFY_SOCKET: a path, an abstract name that begins with @, or nothing."""
        self._service = service
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def on_state(self, state: Readiness) -> None:
        """For `on_state_change`."""
        news = {Readiness.READY: ["READY=1"], Readiness.DRAINING: ["STOPPING=1"]}.get(state, [])
        self._send(*news, f"STATUS={state.value}")

    def on_beat(self) -> None:
        """Once a second: alive; no sign while the engine stands still, so that we are restarted."""
        news = [] if self._service.watchdog.is_stalled else ["WATCHDOG=1"]
        if self._service.state in (Readiness.LOADING, Readiness.DRAINING):
            news.append(f"EXTEND_TIMEOUT_USEC={EXTEND_S * 1_000_000}")
        self._send(*news)

    def _send(self, *news: str) -> None:
        if not self._address or not news:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto("\n".join(news).encode(), self._address)
