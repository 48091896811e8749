# SPDX-License-Identifier: AGPL-3.0-only
"""One request from submission to last delta, with credit that stops the engine for slow readers.

A stream has one buffer in this process and a credit of `WINDOW` tokens. When the credit is used up,
the engine skips this request, and only this one, in its steps. Each half window that the reader
takes is granted again in one message. A stream that waits longer than `READER_WAIT_MS` for its
reader fails.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator
from typing import NamedTuple, NoReturn, Self

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.types import Delta
from sentiric_llama.types.queue import QueuePlace

WINDOW = 256
"""How many tokens the engine may be ahead of a reader."""

StreamItem = Delta | SentiricLlamaError
"""A delta, or the error that ends the stream."""


class Arrival(NamedTuple):
    """A delta, and the time in monotonic seconds at which it left the engine."""

    delta: Delta
    at: float


class Credit:
    """Counts tokens that were read but not granted again yet. Not thread-safe."""

    __slots__ = ("_read",)

    def __init__(self) -> None:
        self._read = 0

    def after(self, delta: Delta) -> int:
        """Counts a delta that was read. Returns how many tokens to grant now, usually 0."""
        self._read += delta.credit
        if self._read < WINDOW // 2:
            return 0
        granted, self._read = self._read, 0
        return granted


class Buffer:
    """The unread items of one stream on an event loop. The credit bounds it."""

    __slots__ = ("items", "wakeup")

    def __init__(self, wakeup: asyncio.Event) -> None:
        self.wakeup = wakeup
        self.items: deque[tuple[StreamItem, float]] = deque()

    def put(self, item: StreamItem) -> None:
        """Thread-safe. The caller then sets `wakeup` on the event loop."""
        self.items.append((item, time.monotonic()))


class AsyncStream(AsyncIterator[Delta], ABC):
    """The deltas of one request on an event loop, the last with `final`.

    `open` or the first read submits the request. Closing or dropping the stream cancels it within
    one step. Several streams may share one `wakeup`, which is set when any of them has an item.
    """

    def __init__(self, wakeup: asyncio.Event | None = None) -> None:
        self._buffer = Buffer(wakeup or asyncio.Event())
        self._taken: deque[Arrival] = deque()
        self._credit = Credit()
        self._is_open = False
        self.is_over = False
        """True once the last delta was taken, the error was raised, or the stream was closed."""

    @abstractmethod
    async def _submit(self) -> None:
        """Starts the request. Raises what the engine refuses it with."""

    @abstractmethod
    def _grant(self, tokens: int) -> None:
        """Lets the engine decode this many more tokens."""

    @abstractmethod
    def _cancel(self) -> None:
        """Stops the request. Thread-safe and idempotent."""

    async def open(self) -> None:
        """Submits the request, once. Raises what the engine refuses it with."""
        if self._is_open or self.is_over:
            return
        self._is_open = True
        try:
            await self._submit()
        except BaseException:
            self._finish()
            raise
        if self.is_over:  # closed while it was being submitted
            self._cancel()

    @property
    def place(self) -> QueuePlace | None:
        """Where it waits for a context; None if it does not, or is still being prepared."""
        return None

    @property
    def has_items(self) -> bool:
        """True when `take` would return a delta or raise."""
        return bool(self._buffer.items)

    def take(self) -> list[Arrival]:
        """Takes all unread deltas without waiting. Raises an error once no delta precedes it."""
        found: list[Arrival] = []
        waiting = self._buffer.items
        while waiting and not self.is_over:
            item, at = waiting[0]
            if isinstance(item, SentiricLlamaError):
                if found:
                    break
                self._finish()
                try:
                    raise item
                finally:
                    del item  # or the traceback and the error would keep each other alive
            waiting.popleft()
            found.append(Arrival(item, at))
            if granted := self._credit.after(item):
                self._grant(granted)
            if item.final is not None:
                self._finish()
        return found

    async def read(self) -> list[Arrival]:
        """Waits for at least one delta and takes all there are; [] when the stream is over."""
        await self.open()
        wakeup = self._buffer.wakeup
        while not self.is_over:
            if found := self.take():
                return found
            wakeup.clear()
            if not self._buffer.items:
                await wakeup.wait()
        return []

    def close(self) -> None:
        """Cancels the rest; tasks that are reading see the end of the stream. Idempotent."""
        self._taken.clear()
        if self.is_over:
            return
        self._finish()
        if self._is_open:
            self._cancel()

    async def aclose(self) -> None:
        """As `close`; may also wait until the engine has stopped the request."""
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def __anext__(self) -> Delta:
        if not self._taken:
            self._taken.extend(await self.read())
        if not self._taken:
            raise StopAsyncIteration
        return self._taken.popleft().delta

    def __del__(self) -> None:
        # The garbage collector may run this on any thread, so do not touch the shared wakeup.
        if getattr(self, "_is_open", False) and not self.is_over:
            self.is_over = True
            self._cancel()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a stream cannot be pickled or copied")

    def _finish(self) -> None:
        self.is_over = True
        self._buffer.items.clear()
        self._buffer.wakeup.set()  # another task may be waiting
