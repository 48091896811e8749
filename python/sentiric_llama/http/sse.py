# SPDX-License-Identifier: AGPL-3.0-only
"""Server-sent events over raw ASGI, and the race of an answer against the client leaving."""

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
    """The client closed its connection, or reads too slowly to go on."""


def encode_event(content: Any) -> bytes:
    """One `data:` event; JSON has no raw newline that could end it early."""
    return b"data: " + dump_json(content) + b"\n\n"


def encode_events(contents: Iterable[Any]) -> bytes:
    return b"".join(map(encode_event, contents))


class Sender:
    """ASGI's `send` with a time limit: a reader that takes nothing for 30 s is given up."""

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
        """A whole ready-made response."""
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
    """Runs `work`; cancels it and raises ClientGone when the client leaves first.

    The request's body must have been read. Whatever happens, both tasks have ended on return.
    """
    running = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait((running, watching), return_when=asyncio.FIRST_COMPLETED)
        if not running.done() and not sender.complete:
            raise ClientGone("disconnected")
        await running  # a complete answer makes the server report a disconnect, too
    finally:
        await _end(running, watching)


async def _end(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen; whoever awaited the task has it, nobody else wants it


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
