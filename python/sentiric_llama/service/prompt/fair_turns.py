# SPDX-License-Identifier: AGPL-3.0-only
"""Work that only one caller may do at a time, in turns: a busy key waits behind its own work."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sentiric_llama.errors import Overloaded

T = TypeVar("T")


class FairTurns:
    """One piece of work runs; the next is that of the share whose turn it is."""

    def __init__(self, what: str = "", most: int | None = None) -> None:
        """At most `most` pieces of a share may wait; `what` names them in the error."""
        self._what = what
        self._most = most
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        """Shares that wait; the first is next."""
        self._is_taken = False

    async def run(self, share: str, work: Callable[[], Awaitable[T]]) -> T:
        """Does the work when it is its turn. Raises Overloaded if too much of the share waits."""
        if self._is_taken:
            await self._wait(share)
        self._is_taken = True
        try:
            return await work()
        finally:
            if share in self._lines:  # whoever came meanwhile goes first
                self._lines.move_to_end(share)
            self._pass_on()

    async def _wait(self, share: str) -> None:
        line = self._lines.setdefault(share, deque())
        if self._most is not None and len(line) >= self._most:
            what = f"too many {self._what}; allowed {self._most}"
            raise Overloaded(what, where="queue")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._lines:
            share, line = self._lines.popitem(last=False)
            turn = line.popleft()
            if line:
                self._lines[share] = line  # behind the others
            if not turn.done():
                turn.set_result(None)
                return
        self._is_taken = False
