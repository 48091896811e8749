# SPDX-License-Identifier: AGPL-3.0-only
"""The queue in front of the contexts: its default length, a place in it, and expected times.

`cpp/core/scheduling/wait_estimate.h` estimates the same for the engine's own refusals.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sentiric_llama.types.engine import EngineStats

QUEUE_PER_CONTEXT = 16
"""Places per context if QUEUE_LIMIT is 0; `kQueuePerContext` in C++."""
MOST_WAIT_MS = 600_000
LONGEST_LINE = 1024
"""An engine does not tell the order of a longer queue; `kLongestLine` in C++."""
LINE_AGE_S = 0.05


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where a request waits."""

    position: int
    """1 is next."""
    is_exact: bool = True
    """False if the order is not known: `position` is then that of the last one."""
    wait_ms: int = 0
    """The expected wait from now on; 0 if unknown."""


def queue_places(queue_limit: int, contexts: int) -> int:
    """How many requests may wait."""
    return queue_limit or QUEUE_PER_CONTEXT * contexts


def wait_ms(position: int, hold_ms: float, contexts: int) -> int:
    """Time until the request at `position` gets one of `contexts`, each held for `hold_ms`."""
    return min(int(position * hold_ms / max(1, contexts)), MOST_WAIT_MS)


def room_ms(waiting: int, hold_ms: float, contexts: int) -> int:
    """Time until half of the queue is served: callers who come back before find it full again."""
    return wait_ms(max(1, math.ceil(waiting / 2)), hold_ms, contexts)


class Line:
    """The queue of an engine, asked for a few times a second however many look."""

    def __init__(
        self, ask: Callable[[], Sequence[int]], stats: Callable[[], EngineStats], contexts: int
    ) -> None:
        """`ask` returns the numbers of the requests that wait, the next one first."""
        self._ask = ask
        self._ask_stats = stats
        self._contexts = contexts
        self._stats = EngineStats()
        self._indexes: dict[int, int] = {}
        self._asked_at = -LINE_AGE_S

    def place_of(self, number: int) -> QueuePlace | None:
        """None for a request that does not wait, or whose prompt is still being prepared."""
        self._refresh()
        index = self._indexes.get(number)
        if index is not None:
            return self._place(index + 1, is_exact=True)
        if not self._indexes and self._stats.queued > LONGEST_LINE:
            return self._place(self._stats.queued, is_exact=False)
        return None

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._asked_at >= LINE_AGE_S:
            self._asked_at = now
            self._stats = self._ask_stats()
            self._indexes = {number: index for index, number in enumerate(self._ask())}

    def _place(self, position: int, *, is_exact: bool) -> QueuePlace:
        expected = wait_ms(position, self._stats.request_ms_mean, self._contexts)
        return QueuePlace(position, is_exact, expected)
