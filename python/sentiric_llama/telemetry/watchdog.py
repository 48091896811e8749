# SPDX-License-Identifier: AGPL-3.0-only
"""Samples the engine every second, to compute rates and to detect stalls."""

from __future__ import annotations

import time
from collections import deque

from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.types import EngineStats

BEAT_S = 1.0
RATE_WINDOW_S = 10.0
SLOWEST_STEPS = 20
"""The engine counts as stalled only after this many times its mean step time."""


class Watchdog:
    """Keeps samples of one engine's counters. All times are monotonic seconds."""

    def __init__(self, stall_timeout_s: float) -> None:
        """A timeout of 0 disables stall detection."""
        self.is_stalled = False
        self.moved_at = time.monotonic()
        self._stall_timeout_s = stall_timeout_s
        self._samples: deque[tuple[float, EngineStats]] = deque(maxlen=16)
        self._steps = -1

    def beat(self, engine: AsyncEngineProtocol, now: float) -> None:
        """Takes a sample and updates `is_stalled`."""
        stats = engine.stats()
        self._samples.append((now, stats))
        working = engine.capacity.active - stats.reader_waits  # unread streams make no steps
        is_busy = working > 0 or stats.prefilling + stats.decoding > 0
        if not is_busy or stats.steps != self._steps:
            self._steps, self.moved_at = stats.steps, now
        allowed = max(self._stall_timeout_s, SLOWEST_STEPS * stats.step_ms_mean / 1e3)
        self.is_stalled = self._stall_timeout_s > 0 and now - self.moved_at > allowed

    def per_second(self, field: str) -> float | None:
        """Rate of a counter of EngineStats over the last ten seconds; None before two beats."""
        if len(self._samples) < 2:
            return None
        now, last = self._samples[-1]
        oldest = now - RATE_WINDOW_S - BEAT_S / 2
        then, first = next(sample for sample in self._samples if sample[0] >= oldest)
        growth: float = getattr(last, field) - getattr(first, field)
        return growth / (now - then) if now > then else None
