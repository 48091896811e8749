# SPDX-License-Identifier: AGPL-3.0-only
"""Tells a client how far its request has got in the queue: a comment of its stream, and headers."""

from __future__ import annotations

from sentiric_llama.http.sse import KEEP_ALIVE_S
from sentiric_llama.settings.config import Settings
from sentiric_llama.telemetry.queue_watch import QueueWatch

NOTE_S = 1.0
"""Between two comments. A stream that waits for longer begins, so that it can tell."""


def tells_place(settings: Settings) -> bool:
    """False if requests wait only shortly: their callers need the status, to go elsewhere."""
    return not 0 < settings.queue_wait_ms <= 1e3 * KEEP_ALIVE_S


class QueueNotes:
    """The comments of one stream while it waits."""

    def __init__(self, watch: QueueWatch) -> None:
        self._watch = watch
        self._told = 0

    def comment(self) -> bytes:
        """What to send now; b"" if the place is as it was."""
        place = self._watch.now
        if place is None or place.position == self._told:
            return b""
        self._told = place.position
        sign = "=" if place.is_exact else "<="
        wait = f" wait_ms={place.wait_ms}" if place.wait_ms else ""
        return f": queue position{sign}{place.position}{wait}\n\n".encode()

    def comment_or(self, keep_alive: bytes, quiet_s: float, keep_alive_s: float) -> bytes:
        """The same; if nothing has been sent for `quiet_s`, what keeps the stream alive."""
        return self.comment() or (keep_alive if quiet_s >= keep_alive_s else b"")


def queue_headers(watch: QueueWatch) -> dict[str, str]:
    """The place at which the request was first seen to wait, and how long it waits in all."""
    if watch.first is None:
        return {}
    position, wait_ms = str(watch.first.position), str(watch.wait_ms)
    return {"x-queue-position": position, "x-queue-wait-ms": wait_ms}
