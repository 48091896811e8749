# SPDX-License-Identifier: AGPL-3.0-only
"""Lets the choices of one call into the engine a few at a time.

A call with many prompts would fill the queue otherwise, or could never get into it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD = 2
"""Choices per context: one that ends is followed at once."""


def at_once(contexts: int, places: int) -> int:
    """How many choices of one call an engine may have, in which `places` requests may wait."""
    return max(1, min(AHEAD * contexts, contexts + places))


class Entrance(Generic[T]):
    """Lets in those that wait, in order, one for each that has ended.

    It keeps nothing of whoever owns it: a circle of references would hold an engine for good.
    """

    def __init__(self, waiting: Sequence[T]) -> None:
        self._waiting = waiting
        self._ended = asyncio.Semaphore(0)
        self._task: asyncio.Task[None] | None = None

    def begin(
        self, enter: Callable[[T], Awaitable[None]], fail: Callable[[Exception], None]
    ) -> None:
        """`fail` is told the error of the first that is refused; then nobody else enters."""
        if self._waiting:
            self._task = asyncio.create_task(self._let_in(enter, fail))

    def note_end(self) -> None:
        """One has ended."""
        self._ended.release()

    async def close(self) -> None:
        """Lets in nobody else."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _let_in(
        self, enter: Callable[[T], Awaitable[None]], fail: Callable[[Exception], None]
    ) -> None:
        try:
            for each in self._waiting:
                await self._ended.acquire()
                await enter(each)
        except Exception as error:
            fail(error)
