# SPDX-License-Identifier: AGPL-3.0-only
"""What a request may look like before anything reads it: pure-ASGI middlewares.

Over a limit the connection is closed with the answer, so that the rest is not read.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentiric_llama.http.errors import HttpError, error_response

MAX_HEADERS = 100
MAX_HEADER_BYTES = 16 * 1024
BODY_TIMEOUT_S = 30.0

_CLOSE = {"connection": "close"}
_UTF8 = (b"utf-8", b"utf8", b'"utf-8"')


class HeaderLimits:
    """431 for too many or too long headers, 415 for bodies we would have to guess at."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = check_headers(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await error_response(problem)(scope, receive, send)


class BodyLimits:
    """413 once more than `max_bytes` arrived or were announced, 408 when they take too long."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        counted = _CountedBody(receive, self._max_bytes, self._too_large())
        counted.announced = _announced(scope)
        await self._app(scope, counted.receive, send)

    def _too_large(self) -> HttpError:
        return HttpError(
            413,
            f"the body is too large; allowed {self._max_bytes} bytes",
            code="request_too_large",
            headers=_CLOSE,
        )


class _CountedBody:
    """One request's body: counts bytes and, until it is complete, seconds."""

    def __init__(self, receive: Receive, max_bytes: int, too_large: HttpError) -> None:
        self._receive = receive
        self._left = max_bytes
        self._too_large = too_large
        self._complete = False
        self.announced = 0
        """What the head says; judged when somebody who may asks for the body."""
        self._deadline = asyncio.get_running_loop().time() + BODY_TIMEOUT_S

    async def receive(self) -> Message:
        if self._complete:  # now it only waits for the client to leave
            return await self._receive()
        if self.announced > self._left:
            raise self._too_large
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise HttpError(
                408, "the body took too long to arrive", code="request_timeout", headers=_CLOSE
            ) from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._too_large
        self._complete = not message.get("more_body", False)
        return message


def check_headers(scope: Scope) -> HttpError | None:
    """The first thing wrong with a request's headers."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    size = sum(len(name) + len(value) + 4 for name, value in headers)
    size += len(scope.get("raw_path", b"")) + len(scope.get("query_string", b""))
    if len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        return HttpError(
            431,
            f"too many headers; got {len(headers)} of {size} bytes, "
            f"allowed {MAX_HEADERS} of {MAX_HEADER_BYTES} bytes",
            code="headers_too_large",
            headers=_CLOSE,
        )
    names = {name for name, _ in headers}
    if b"content-length" in names and b"transfer-encoding" in names:
        return HttpError(  # two opinions on where the body ends: request smuggling
            400,
            "Content-Length and Transfer-Encoding together",
            code="bad_framing",
            headers=_CLOSE,
        )
    return _check_content(scope["method"], headers)


def _check_content(method: str, headers: list[tuple[bytes, bytes]]) -> HttpError | None:
    values = {name: value.strip().lower() for name, value in headers}
    encoding = values.get(b"content-encoding", b"identity")
    if encoding not in (b"", b"identity"):
        return _unsupported("Content-Encoding", encoding, "identity")
    if method not in ("POST", "PUT", "PATCH"):
        return None
    kind, _, parameters = values.get(b"content-type", b"").partition(b";")
    name, _, charset = parameters.strip().partition(b"=")
    is_utf8 = name != b"charset" or charset in _UTF8
    # A web page can send text/plain anywhere without asking, but not application/json.
    if kind.strip() != b"application/json" or not is_utf8:
        return _unsupported("Content-Type", values.get(b"content-type", b""), "application/json")
    return None


def _unsupported(header: str, got: bytes, allowed: str) -> HttpError:
    text = got[:60].decode("ascii", "replace")
    return HttpError(
        415,
        f"{header} not supported; got {text!r}, allowed {allowed}",
        code="unsupported_media_type",
        headers=_CLOSE,
    )


def _announced(scope: Scope) -> int:
    """The Content-Length; 0 when there is none. The server already refused what is no number."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0
