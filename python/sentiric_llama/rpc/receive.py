# SPDX-License-Identifier: AGPL-3.0-only
"""How request messages come in: few at a time, none for long, all of them under one limit.

gRPC has no limit on the sum of what it holds for messages that are on their way. A call whose
message nobody asked for holds no more than its window (64 KiB), so we ask for a few at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc

from sentiric_llama.body_budget import UNDISTURBED_S, BodyBudget, BodyShare
from sentiric_llama.errors import DeadlineExceeded, InvalidArgument, Unavailable
from sentiric_llama.rpc.status import Context

MAX_RECEIVING = 32
RECEIVE_S = 30.0
"""A message that takes longer is given up; sooner when others wait for its place."""


class Receiver:
    """Works on one event loop."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._places = asyncio.Semaphore(MAX_RECEIVING)
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
        await self._take_place()
        try:
            async with asyncio.timeout(UNDISTURBED_S if self._num_waiting else RECEIVE_S) as limit:
                self._reading[limit] = asyncio.get_running_loop().time()
                raw = await context.read()
        except TimeoutError:
            raise DeadlineExceeded("the message took too long to arrive", where="message") from None
        finally:
            self._reading.pop(limit, None)
            self._places.release()
        if raw is grpc.aio.EOF:
            raise InvalidArgument("required; got nothing", where="message")
        message: bytes = raw
        return message

    async def _take_place(self) -> None:
        if self._places.locked():
            for limit, since in self._reading.items():
                limit.reschedule(since + UNDISTURBED_S)
        self._num_waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._num_waiting -= 1
