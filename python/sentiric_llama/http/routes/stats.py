# SPDX-License-Identifier: AGPL-3.0-only
"""`/v1/stats`: the state of the service, once or as a stream. Needs a key if one is configured."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentiric_llama.access.caller import CURRENT_CALLER, Caller
from sentiric_llama.errors import Overloaded
from sentiric_llama.http import sse
from sentiric_llama.http.errors import JsonResponse
from sentiric_llama.metrics.snapshot import snapshot
from sentiric_llama.service.service import LlamaService

EVERY_S = 1.0
MAX_VIEWS = 256
"""Events that are kept for others to send: one per key."""


class StatsEndpoints:
    """Read-only. Also works while the service loads or drains."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service
        self._events = SharedEvents(service)

    async def get(self, _request: Request) -> JsonResponse:
        """The current statistics."""
        shown = snapshot(self._service, CURRENT_CALLER.get())
        return JsonResponse(shown, headers={"cache-control": "no-store"})

    async def stream(self, _request: Request) -> Response:
        """An event per second, until the client disconnects or the service stops.

        The streams of one key may use a quarter of the connections.
        """
        most = max(1, self._service.settings.max_connections // 4)
        if self._events.watchers[CURRENT_CALLER.get().owner] >= most:
            raise Overloaded(f"too many streams; allowed {most} for each key", where="stats")
        return StatsStream(self._service, self._events, CURRENT_CALLER.get())


class SharedEvents:
    """Events shared by all streams with the same view, so that a thousand cost little more."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service
        self._made: dict[tuple[str, bool], tuple[float, bytes]] = {}
        self.watchers = Counter[str]()
        """Owner -> number of open streams."""

    def latest(self, caller: Caller) -> bytes:
        """The event for this caller, at most half a second old."""
        view = (caller.owner, caller.is_admin)
        made_at, event = self._made.get(view, (-EVERY_S, b""))
        now = time.monotonic()
        if now - made_at > EVERY_S / 2:
            event = sse.encode_event(snapshot(self._service, caller))
            if len(self._made) >= MAX_VIEWS:  # keys come and go
                self._made.clear()
            self._made[view] = (now, event)
        return event


class StatsStream(Response):
    """An ASGI response that sends an event per second."""

    def __init__(self, service: LlamaService, events: SharedEvents, caller: Caller) -> None:
        self.background = None
        self._caller = caller
        self._service = service
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sender = sse.Sender(send)
        watchers, owner = self._events.watchers, self._caller.owner
        watchers[owner] += 1
        try:
            work = self._run(sender, is_head=scope["method"] == "HEAD")
            await sse.until_disconnect(receive, sender, work)
        except sse.ClientGone:
            return
        finally:
            watchers[owner] -= 1

    async def _run(self, sender: sse.Sender, *, is_head: bool) -> None:
        await sender.start(sse.SSE_HEADERS)
        closed = self._service.closed
        while not closed.is_set() and not is_head:
            await sender.write(self._events.latest(self._caller))
            try:
                async with asyncio.timeout(EVERY_S):
                    await closed.wait()
            except TimeoutError:
                continue
        await sender.write(b"" if is_head else sse.DONE, more=False)
