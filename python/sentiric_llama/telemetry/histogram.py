# SPDX-License-Identifier: AGPL-3.0-only
"""Distributions of measured times."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

TOKEN_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 5)
WAIT_BOUNDS_S = (
    *(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5),
    *(0.75, 1, 1.5, 2.5, 5, 10, 20, 30, 60, 120),
)
"""Includes the bounds of the first version of this service. Voice assistants need 0.1 to 1 s."""


class Histogram:
    """Counts values per range: `counts[i]` those up to `bounds[i]`, the last all above.

    For one thread.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float, times: int = 1) -> None:
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    def include(self, other: Histogram) -> None:
        """Adds the counts of another histogram with the same bounds."""
        self.counts = [
            mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)
        ]
        self.total += other.total

    @property
    def count(self) -> int:
        return sum(self.counts)
