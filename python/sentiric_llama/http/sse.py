# SPDX-License-Identifier: AGPL-3.0-only
"""Server-sent events over raw ASGI, and cancellation when the client disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentiric_llama.http.errors import dump_json
from sentiric_llama.service.slow_reader import STALL_S
from sentiric_llama.telemetry.request_metrics import ReaderLeft

KEEP_ALIVE_S = 15.0
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"
SSE_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


class ClientGone(ReaderLeft):
    """The client disconnected, or reads too slowly."""


def encode_event(content: Any) -> bytes:
    """One `data:` event. The JSON contains no newline, which would end the event."""
    return b"data: " + dump_json(content) + b"\n\n"


def encode_named(name: str, data: bytes) -> bytes:
    """One event with a name. `data` is JSON without newlines."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def encode_events(contents: Iterable[Any]) -> bytes:
    return b"".join(map(encode_event, contents))


class Sender:
    """ASGI's `send` with a time limit: ClientGone if the client reads nothing for `STALL_S`."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.complete = False

    async def start(self, headers: Mapping[str, str], status: int = 200) -> None:
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        self.started = True
        await self._put({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, body: bytes, *, more: bool = True) -> None:
        await self._put({"type": "http.response.body", "body": body, "more_body": more})
        self.complete = not more

    async def respond(self, response: Response, scope: Scope, receive: Receive) -> None:
        """Sends a complete response."""
        self.started = True
        await response(scope, receive, self._put)
        self.complete = True

    async def _put(self, message: Any) -> None:
        try:
            async with asyncio.timeout(STALL_S):
                await self._send(message)
        except TimeoutError:
            raise ClientGone("reads too slowly") from None


async def until_disconnect(
    receive: Receive, sender: Sender, work: Coroutine[Any, Any, None]
) -> None:
    """Runs `work`. If the client disconnects first, cancels it and raises ClientGone.

    The body of the request must have been read. No task is left running on return.
    """
    running = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait((running, watching), return_when=asyncio.FIRST_COMPLETED)
        if not running.done() and not sender.complete:
            raise ClientGone("disconnected")
        await running  # uvicorn reports a disconnect after a complete response, too
    finally:
        await _end(running, watching)


async def _end(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # marked as retrieved; the awaiting code has raised it already


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
