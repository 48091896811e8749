# SPDX-License-Identifier: AGPL-3.0-only
"""Notifies systemd (`Type=notify`) of readiness, stopping, status and watchdog."""

from __future__ import annotations

import contextlib
import socket

from sentiric_llama.service.readiness import Readiness
from sentiric_llama.service.service import LlamaService

EXTEND_S = 30
"""How much more time each notification asks for while loading and draining."""


class Notifier:
    """Notifies systemd about one service; does nothing without a socket."""

    def __init__(self, service: LlamaService, address: str) -> None:
        """`address` is NOTIFY_SOCKET: a path, an abstract name that starts with @, or ""."""
        self._service = service
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def on_state(self, state: Readiness) -> None:
        """Reports a new state; a listener of `on_state_change`."""
        lines = {Readiness.READY: ["READY=1"], Readiness.DRAINING: ["STOPPING=1"]}.get(state, [])
        self._send(*lines, f"STATUS={state.value}")

    def on_beat(self) -> None:
        """Called once a second. Sends no WATCHDOG while stalled, so that systemd restarts us."""
        lines = [] if self._service.watchdog.is_stalled else ["WATCHDOG=1"]
        if self._service.state in (Readiness.LOADING, Readiness.DRAINING):
            lines.append(f"EXTEND_TIMEOUT_USEC={EXTEND_S * 1_000_000}")
        self._send(*lines)

    def _send(self, *lines: str) -> None:
        if not self._address or not lines:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto("\n".join(lines).encode(), self._address)
