# SPDX-License-Identifier: AGPL-3.0-only
"""Where a call waits for a context, and for how long, looked at until it begins."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sentiric_llama.engine.stream import AsyncStream
from sentiric_llama.types.queue import QueuePlace

LOOK_S = 0.1
"""Shorter waits are not noticed."""
LOOK_AGAIN_S = 0.5


class QueueWatch:
    """The place of one call, whose choices wait together."""

    def __init__(self, streams: Sequence[AsyncStream]) -> None:
        self.first: QueuePlace | None = None
        """Where it was first seen to wait."""
        self.now: QueuePlace | None = None
        """None while it does not wait, or its prompt is being prepared."""
        self._streams = streams
        self._began = time.monotonic()
        self._waited_s = 0.0
        self._has_looked = False

    @property
    def pause_s(self) -> float:
        """Time until the next look."""
        return LOOK_AGAIN_S if self._has_looked else LOOK_S

    @property
    def wait_ms(self) -> int:
        """How long it has been seen to wait, with what is still expected."""
        return round(1e3 * self._waited_s) + (self.now.wait_ms if self.now else 0)

    def look(self) -> None:
        """Notes its place."""
        self._has_looked = True
        self.now = self._place()
        if self.now is not None:
            self.first = self.first or self.now
            self._waited_s = time.monotonic() - self._began

    def end(self) -> None:
        """It has begun."""
        self.now = None

    def _place(self) -> QueuePlace | None:
        """The best place of its choices; None once one of them has a context."""
        places = [stream.place for stream in self._streams]
        known = [place for place in places if place is not None]
        if len(known) < len(places):
            return None
        return min(known, key=lambda place: place.position)
