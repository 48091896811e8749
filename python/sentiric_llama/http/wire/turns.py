# SPDX-License-Identifier: AGPL-3.0-only
"""How many requests may be taken up in one turn of the event loop.

A thousand that arrive at once would otherwise be parsed and started in one turn, and nobody, no
probe and no stream, would be served meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

PER_TURN = 16


class Turns:
    """Runs work at once as long as the turn has room, and the rest in turns after, in order."""

    def __init__(self, per_turn: int = PER_TURN) -> None:
        self._per_turn = per_turn
        self._used = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def run(self, work: Callable[[], None]) -> bool:
        """True when it was done at once, False when it waits for a later turn."""
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
        """The loop has looked at its sockets and timers since the last turn."""
        self._used = 0
        while self._waiting and self._used < self._per_turn:
            self._count()
            self._waiting.popleft()()
