# SPDX-License-Identifier: AGPL-3.0-only
"""Tells an engine process that stands still from one that computes a long step."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sentiric_llama.engine.process.death import Stall
from sentiric_llama.engine.process.flight_page import FlightPage, Place, Work

SLOWEST_STEPS = 20
"""A step may take so many times the mean of all steps, where the backend shows no sign of life."""


@dataclass(slots=True)
class StallWatch:
    """Compares samples of the flight page.

    A thread that is at work must move: enter another place, or, in a step, let the count of beats
    grow, which the CPU backend does many times in a step. Loading a model has no limit.
    """

    limit_s: float
    _seen: dict[int, tuple[Work, int, float]] = field(default_factory=dict)

    def sample(self, page: FlightPage, now: float | None = None) -> Stall | None:
        """The work that has stood still for too long; None if all is well."""
        now = time.monotonic() if now is None else now
        stepper = page.stepper()
        allowed = max(self.limit_s, SLOWEST_STEPS * page.stats().step_ms_mean / 1e3)
        seen: dict[int, tuple[Work, int, float]] = {}
        worst: Stall | None = None
        for work in page.works():
            beats = page.beats if work == stepper else 0
            before = self._seen.get(work.thread)
            is_same = before is not None and before[:2] == (work, beats)
            since = before[2] if before is not None and is_same else now
            seen[work.thread] = (work, beats, since)
            if work.place is not Place.LOAD and now - since > allowed:
                worst = worst or Stall(now - since, work)
        self._seen = seen
        return worst
