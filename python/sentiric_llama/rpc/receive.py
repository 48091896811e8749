# SPDX-License-Identifier: AGPL-3.0-only
"""How request messages come in: few at a time, none for long, all of them under one limit.

gRPC has no limit on the sum of what it holds for messages that are on their way. A call whose
message nobody asked for holds no more than its window (64 KiB), so we ask for a few at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar
from weakref import WeakValueDictionary

import grpc

from sentiric_llama.access.caller import CURRENT_CALLER, Caller
from sentiric_llama.errors import DeadlineExceeded, InvalidArgument, Unavailable
from sentiric_llama.rpc.status import Context
from sentiric_llama.service.body_budget import UNDISTURBED_S, BodyBudget, BodyShare
from sentiric_llama.service.slow_reader import STALL_S

T = TypeVar("T")

MAX_RECEIVING = 32
MAX_OF_ONE = 8
"""Messages of one owner that come in at once where there are several owners."""
RECEIVE_S = 30.0
"""A message that takes longer is given up; sooner when others wait for its place."""
PROBE_S = 5.0


class MessageSource(Protocol):
    """What the methods of a service get their message from."""

    @property
    def stall_s(self) -> float:
        """How long one message of an answer may wait for its reader."""

    def message(self, context: Context) -> AbstractAsyncContextManager[bytes]:
        """The call's one message. Raises DeadlineExceeded, InvalidArgument or Unavailable."""


class ProbeReceiver:
    """For messages of a few bytes that come with the head of their call.

    Nobody waits for a place: who has waited longest for his own message gives way.
    """

    stall_s = PROBE_S

    def __init__(self) -> None:
        self._reading: dict[asyncio.Timeout, None] = {}

    @contextlib.asynccontextmanager
    async def message(self, context: Context) -> AsyncIterator[bytes]:
        """The call's one message."""
        while len(self._reading) >= MAX_RECEIVING:
            oldest = next(iter(self._reading))
            del self._reading[oldest]
            oldest.reschedule(0.0)
        yield await _read(context, asyncio.timeout(PROBE_S), self._reading, None)


class Receiver:
    """Works on one event loop."""

    @property
    def stall_s(self) -> float:
        """How long one message of an answer may wait for its reader."""
        return STALL_S

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._places = asyncio.Semaphore(MAX_RECEIVING)
        self._places_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._num_waiting = 0
        self._reading: dict[asyncio.Timeout, float] = {}  # since when

    @contextlib.asynccontextmanager
    async def message(self, context: Context) -> AsyncIterator[bytes]:
        """The call's one message, which counts as being in memory until the block is left.

        Raises Unavailable, DeadlineExceeded or InvalidArgument.
        """
        share = BodyShare(self._budget)
        try:
            raw = await self._read(context)
            if not share.add(len(raw)):
                raise Unavailable("too many large messages at once", where="message")
            share.complete()
            yield raw
        finally:
            share.close()

    async def _read(self, context: Context) -> bytes:
        async with contextlib.AsyncExitStack() as places:
            try:
                async with asyncio.timeout(RECEIVE_S):
                    await self._take_places(places)
            except TimeoutError:
                raise Unavailable("too many messages are on their way", where="message") from None
            limit = asyncio.timeout(UNDISTURBED_S if self._num_waiting else RECEIVE_S)
            now = asyncio.get_running_loop().time()
            return await _read(context, limit, self._reading, now)

    async def _take_places(self, places: contextlib.AsyncExitStack) -> None:
        """One of its key's, then one of all."""
        await places.enter_async_context(self._place_of(CURRENT_CALLER.get()))
        await self._take_place()
        places.callback(self._places.release)

    def _place_of(self, caller: Caller) -> AbstractAsyncContextManager[None]:
        """One key that stalls keeps no other from its turn."""
        if not caller.is_apart:
            return contextlib.nullcontext()
        return self._places_of.setdefault(caller.share, asyncio.Semaphore(MAX_OF_ONE))

    async def _take_place(self) -> None:
        if self._places.locked():
            for limit, since in self._reading.items():
                limit.reschedule(since + UNDISTURBED_S)
        self._num_waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._num_waiting -= 1


async def _read(
    context: Context, limit: asyncio.Timeout, reading: dict[asyncio.Timeout, T], note: T
) -> bytes:
    """The message, which `limit` ends; it is noted in `reading` meanwhile."""
    try:
        async with limit:
            reading[limit] = note
            raw = await context.read()
    except TimeoutError:
        raise DeadlineExceeded("the message took too long to arrive", where="message") from None
    finally:
        reading.pop(limit, None)
    if raw is grpc.aio.EOF:
        raise InvalidArgument("required; got nothing", where="message")
    message: bytes = raw
    return message
