# SPDX-License-Identifier: AGPL-3.0-only
"""Receives request messages: a few at a time, with a timeout, within one memory budget.

gRPC does not limit the memory of all incoming messages together. A call whose message is not being
read buffers at most its flow-control window (64 KiB), so only a few are read at a time.
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
"""Messages of one owner that are received at the same time, if there are several owners."""
RECEIVE_S = 30.0
"""Timeout of one message. Shorter while others wait."""
PROBE_S = 5.0


class MessageSource(Protocol):
    """Receives the message of a call, for the methods of a service."""

    @property
    def stall_s(self) -> float:
        """How long a message of the answer may wait for the client to read."""

    def message(self, context: Context) -> AbstractAsyncContextManager[bytes]:
        """The message of the call. Raises DeadlineExceeded, InvalidArgument or Unavailable."""


class ProbeReceiver:
    """For small messages that arrive with their call.

    No call waits: at the limit, the one that has been reading longest is ended.
    """

    stall_s = PROBE_S

    def __init__(self) -> None:
        self._reading: dict[asyncio.Timeout, None] = {}

    @contextlib.asynccontextmanager
    async def message(self, context: Context) -> AsyncIterator[bytes]:
        """The message of the call."""
        while len(self._reading) >= MAX_RECEIVING:
            oldest = next(iter(self._reading))
            del self._reading[oldest]
            oldest.reschedule(0.0)
        yield await _read(context, asyncio.timeout(PROBE_S), self._reading, None)


class Receiver:
    """For messages of any size. Works on one event loop."""

    @property
    def stall_s(self) -> float:
        """How long a message of the answer may wait for the client to read."""
        return STALL_S

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._places = asyncio.Semaphore(MAX_RECEIVING)
        self._places_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._num_waiting = 0
        self._reading: dict[asyncio.Timeout, float] = {}  # -> when it began

    @contextlib.asynccontextmanager
    async def message(self, context: Context) -> AsyncIterator[bytes]:
        """The message of the call. It counts against the budget until the block is left.

        Raises Unavailable, DeadlineExceeded or InvalidArgument.
        """
        share = BodyShare(self._budget)
        try:
            raw = await self._read(context)
            if not share.add(len(raw)):
                raise Unavailable("too many large messages at the same time", where="message")
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
                raise Unavailable("too many messages are being received", where="message") from None
            limit = asyncio.timeout(UNDISTURBED_S if self._num_waiting else RECEIVE_S)
            now = asyncio.get_running_loop().time()
            return await _read(context, limit, self._reading, now)

    async def _take_places(self, places: contextlib.AsyncExitStack) -> None:
        """Takes a place of the key, then one of the server."""
        await places.enter_async_context(self._place_of(CURRENT_CALLER.get()))
        await self._take_place()
        places.callback(self._places.release)

    def _place_of(self, caller: Caller) -> AbstractAsyncContextManager[None]:
        """A limit per key, so that a key that stalls does not block the others."""
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
    """Reads the message within `limit`, which is listed in `reading` meanwhile."""
    try:
        async with limit:
            reading[limit] = note
            raw = await context.read()
    except TimeoutError:
        raise DeadlineExceeded("the message took too long to arrive", where="message") from None
    finally:
        reading.pop(limit, None)
    if raw is grpc.aio.EOF:
        raise InvalidArgument("the call ended without a message", where="message")
    message: bytes = raw
    return message
