# SPDX-License-Identifier: AGPL-3.0-only
"""One request from its submission to its last delta, for readers that are slower than the engine.

A stream has one buffer in this process and a credit of `WINDOW` tokens. The engine leaves a request
whose credit is used up out of its steps, and it alone; each half window that was read is granted
again in one message. A reader that stays away for too long gets a typed error (`READER_WAIT_MS`).
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator
from typing import NamedTuple, Self

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.types import Delta

WINDOW = 256
"""Tokens that the engine may be ahead of a reader."""

News = Delta | SentiricLlamaError


class Arrival(NamedTuple):
    """A delta, and when it came out of the engine in monotonic seconds."""

    delta: Delta
    at: float


class Credit:
    """What was read and is not yet granted again. One reader at a time."""

    __slots__ = ("_read",)

    def __init__(self) -> None:
        self._read = 0

    def after(self, delta: Delta) -> int:
        """The delta was read. Returns the tokens to grant now, 0 mostly: messages are few."""
        self._read += len(delta.tokens)
        if self._read < WINDOW // 2:
            return 0
        granted, self._read = self._read, 0
        return granted


class Buffer:
    """What came for one reader on an event loop. Bounded by the credit, not by itself."""

    __slots__ = ("bell", "news")

    def __init__(self, bell: asyncio.Event) -> None:
        self.bell = bell
        self.news: deque[tuple[News, float]] = deque()

    def put(self, news: News) -> None:
        """On any thread; the bell is rung on the loop afterwards."""
        self.news.append((news, time.monotonic()))


class AsyncStream(AsyncIterator[Delta], ABC):
    """The deltas of one request on an event loop, the last with `final`.

    Nothing is submitted before it is opened, by `open` or by the first read. Closing or dropping it
    cancels the request within one step. Several streams may ring one `bell`.
    """

    def __init__(self, bell: asyncio.Event | None = None) -> None:
        self._buffer = Buffer(bell or asyncio.Event())
        self._taken: deque[Arrival] = deque()
        self._credit = Credit()
        self._is_open = False
        self.is_over = False
        """The last delta was taken, or the failure raised, or it was closed."""

    @abstractmethod
    async def _submit(self) -> None:
        """Starts the request. Raises what the engine refuses it with."""

    @abstractmethod
    def _grant(self, tokens: int) -> None:
        """The engine may decode so many more."""

    @abstractmethod
    def _cancel(self) -> None:
        """The rest is not wanted. Called on any thread, and again without effect."""

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
    def has_news(self) -> bool:
        """`take` has something to return or to raise."""
        return bool(self._buffer.news)

    def take(self) -> list[Arrival]:
        """All that is there, without waiting. Raises the failure that stands first."""
        found: list[Arrival] = []
        waiting = self._buffer.news
        while waiting and not self.is_over:
            news, at = waiting[0]
            if isinstance(news, SentiricLlamaError):
                if found:
                    break
                self._finish()
                raise news
            waiting.popleft()
            found.append(Arrival(news, at))
            if granted := self._credit.after(news):
                self._grant(granted)
            if news.final is not None:
                self._finish()
        return found

    async def read(self) -> list[Arrival]:
        """What is there, at least one delta; [] when it is over."""
        await self.open()
        bell = self._buffer.bell
        while not self.is_over:
            if found := self.take():
                return found
            bell.clear()
            if not self._buffer.news:
                await bell.wait()
        return []

    def close(self) -> None:
        """Cancels what is left; a task that reads it finds the end. Idempotent."""
        self._taken.clear()
        if self.is_over:
            return
        self._finish()
        if self._is_open:
            self._cancel()

    async def aclose(self) -> None:
        """The same; an engine that lives elsewhere is waited for."""
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
        # The collector may run it on any thread: the wakeup belongs to the loop, and to others too.
        if getattr(self, "_is_open", False) and not self.is_over:
            self.is_over = True
            self._cancel()

    def _finish(self) -> None:
        self.is_over = True
        self._buffer.news.clear()
        self._buffer.bell.set()  # for another task that waits
