# SPDX-License-Identifier: AGPL-3.0-only
"""Lingering close: lets the client read the response to a request that was not read to its end.

Closing a socket with unread input resets the connection, and the reset can destroy the response. So
input is discarded for a short time first.
"""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINGER_S = 2.0
MAX_LINGER_BYTES = 64 * 2**20

_CLOSE = (b"connection", b"close")


class LingeringClose:
    """Reads the request to its end before a response with `Connection: close` ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive)
        closes = False

        async def send_and_linger(message: Message) -> None:
            nonlocal closes
            if message["type"] == "http.response.start":
                if body.is_asked_for(scope):
                    message["headers"] = [*message["headers"], _CLOSE]
                closes = _CLOSE in message["headers"]
            elif closes and not message.get("more_body", False) and not body.complete:
                await send({**message, "more_body": True})
                await body.drain()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self._app(scope, body.receive, send_and_linger)


class _Body:
    """The body of a request, and whether it is complete."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_read = False
        self.complete = False

    def is_asked_for(self, scope: Scope) -> bool:
        """True if the client sent `Expect: 100-continue` and got no 100.

        It may or may not send the body, so the start of a next request would be ambiguous.
        """
        return not self._is_read and any(name == b"expect" for name, _ in scope["headers"])

    async def receive(self) -> Message:
        self._is_read = True
        message = await self._receive()
        self.complete = not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        left = MAX_LINGER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while not self.complete and left > 0:
                    left -= len((await self.receive()).get("body", b""))
