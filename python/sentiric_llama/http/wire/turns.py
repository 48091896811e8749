# SPDX-License-Identifier: AGPL-3.0-only
"""A limit on the requests that start per iteration of the event loop.

Otherwise, a thousand simultaneous requests would be parsed and started in a single iteration, and
no probe and no stream would be served meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

PER_TURN = 16


class Turns:
    """Runs work at once up to the limit of an iteration, and the rest, in order, in later ones."""

    def __init__(self, per_turn: int = PER_TURN) -> None:
        self._per_turn = per_turn
        self._used = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def __len__(self) -> int:
        """The number of waiting items."""
        return len(self._waiting)

    def run(self, work: Callable[[], None]) -> bool:
        """True if the work was done at once, False if it waits for a later iteration."""
        if self._waiting or self._used >= self._per_turn:
            self._waiting.append(work)
            return False
        self._count()
        work()
        return True

    def _count(self) -> None:
        if self._used == 0:
            asyncio.get_running_loop().call_soon(self._next)
        self._used += 1

    def _next(self) -> None:
        """Starts the next iteration: sockets and timers have been served."""
        self._used = 0
        while self._waiting and self._used < self._per_turn:
            self._count()
            self._waiting.popleft()()
