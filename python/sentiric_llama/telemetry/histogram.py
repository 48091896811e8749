# SPDX-License-Identifier: AGPL-3.0-only
"""Plain sums of what was measured: distributions, totals, percentiles. For one thread."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sentiric_llama.types import Final

TOKEN_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 5)
WAIT_BOUNDS_S = (
    *(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5),
    *(0.75, 1, 1.5, 2.5, 5, 10, 20, 30, 60, 120),
)
"""Holds the bounds that the first version of this service had; a voice answers in 0.1 to 1 s."""


class Histogram:
    """Counts of values per range; `counts[i]` are those up to `bounds[i]`, the last all above."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float, times: int = 1) -> None:
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    def include(self, other: Histogram) -> None:
        """Adds what another one with the same bounds has counted."""
        self.counts = [
            mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)
        ]
        self.total += other.total

    @property
    def count(self) -> int:
        return sum(self.counts)


@dataclass(slots=True)
class TimingTotals:
    """Sums of the `timings` of finished choices, as llama-server adds them up."""

    prompt_n: int = 0
    cache_n: int = 0
    prompt_ms: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0
    most_tokens: int = 0
    """Prompt and answer of the longest choice."""

    def add(self, final: Final) -> None:
        timings = final.timings
        self.prompt_n += timings.prompt_n
        self.cache_n += timings.cache_n
        self.prompt_ms += timings.prompt_ms
        self.predicted_n += timings.predicted_n
        self.predicted_ms += timings.predicted_ms
        self.most_tokens = max(self.most_tokens, final.usage.total_tokens)

    def include(self, other: TimingTotals) -> None:
        """Adds what another one has summed up."""
        self.prompt_n += other.prompt_n
        self.cache_n += other.cache_n
        self.prompt_ms += other.prompt_ms
        self.predicted_n += other.predicted_n
        self.predicted_ms += other.predicted_ms
        self.most_tokens = max(self.most_tokens, other.most_tokens)


def percentile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that at least `share` (0..1) of all are not above; None without any."""
    ordered = sorted(values)
    if not ordered:
        return None
    rank = -int(-share * len(ordered) // 1)  # rounded up
    return ordered[max(rank, 1) - 1]
