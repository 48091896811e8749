# SPDX-License-Identifier: AGPL-3.0-only
"""Limits on headers and bodies, as ASGI middleware.

A request over a limit is refused, and its connection closed, without reading the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentiric_llama.http.errors import HttpError, error_response
from sentiric_llama.service.body_budget import BodyBudget, BodyShare

MAX_HEADERS = 100
MAX_HEADER_BYTES = 16 * 1024
BODY_TIMEOUT_S = 30.0
"""For a body without progress."""
PROGRESS_BYTES = 1024
"""Fewer bytes are no progress: a client could hold a connection with one at a time."""
LONGEST_BODY_S = 600.0
"""For a whole body, however it arrives."""

_CLOSE = {"connection": "close"}
_UTF8 = (b"utf-8", b"utf8", b'"utf-8"')


class HeaderLimits:
    """431 for too many or too long headers, 415 for a body that is not plain JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = check_headers(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await error_response(problem, scope["path"])(scope, receive, send)


class BodyLimits:
    """413 for a body above `max_bytes`, 408 for one that takes too long.

    503 if `budget` has no room for it.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, budget: BodyBudget) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _CountedBody(receive, self._max_bytes, self._budget)
        body.announced = _announced(scope)
        try:
            await self._app(scope, body.receive, send)
        finally:
            body.share.close()


class _CountedBody:
    """The body of one request: limits its bytes, the time without progress, and all its time."""

    def __init__(self, receive: Receive, max_bytes: int, budget: BodyBudget) -> None:
        self.share = BodyShare(budget, self._cut)
        self._receive = receive
        self._max_bytes = max_bytes
        self._left = max_bytes
        self._complete = False
        self.announced = 0
        """The Content-Length. Checked at the first read, which follows authorization."""
        now = asyncio.get_running_loop().time()
        self._latest = now + LONGEST_BODY_S
        self._deadline = now + BODY_TIMEOUT_S
        self._since_progress = 0
        self._waiting: asyncio.Timeout | None = None

    async def receive(self) -> Message:
        if self._complete:  # the only message left is the disconnect
            return await self._receive()
        if self.announced > self._max_bytes:
            raise self._end(too_large(self._max_bytes))
        try:
            async with asyncio.timeout_at(self._deadline) as self._waiting:
                message = await self._receive()
        except TimeoutError:
            raise self._end(too_slow()) from None
        finally:
            self._waiting = None
        size = len(message.get("body", b""))
        self._left -= size
        if self._left < 0:
            raise self._end(too_large(self._max_bytes))
        if not self.share.add(size):
            raise self._end(no_room())
        self._note_progress(size)
        self._complete = not message.get("more_body", False)
        if self._complete:
            self.share.complete()
        return message

    def _end(self, error: HttpError) -> HttpError:
        """Frees the memory of the body before the error is sent, which may take a while."""
        self.share.close()
        return error

    def _note_progress(self, size: int) -> None:
        self._since_progress += size
        if self._since_progress >= PROGRESS_BYTES:
            self._since_progress = 0
            now = asyncio.get_running_loop().time()
            self._deadline = min(now + BODY_TIMEOUT_S, self._latest)

    def _cut(self) -> None:
        self._deadline = self._latest = 0.0
        if self._waiting is not None:
            self._waiting.reschedule(self._deadline)


def too_large(max_bytes: int) -> HttpError:
    text = f"the body is too large; allowed {max_bytes} bytes"
    return HttpError(413, text, code="request_too_large", headers=_CLOSE)


def too_slow() -> HttpError:
    text = f"the body took too long to arrive; allowed {BODY_TIMEOUT_S:.0f} s without progress"
    return HttpError(408, text, code="request_timeout", headers=_CLOSE)


def no_room() -> HttpError:
    return HttpError(
        503,
        "too many large request bodies at the same time; retry later",
        code="unavailable",
        kind="unavailable_error",
        headers=_CLOSE,
    )


def check_headers(scope: Scope) -> HttpError | None:
    """The first problem with the headers of a request, or None."""
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
        return HttpError(  # ambiguous length of the body: request smuggling
            400,
            "a request has either Content-Length or Transfer-Encoding; got both",
            code="bad_framing",
            headers=_CLOSE,
        )
    return _check_content(scope["method"], headers)


def _check_content(method: str, headers: list[tuple[bytes, bytes]]) -> HttpError | None:
    values = {name: value.strip().lower() for name, value in headers}
    encoding = values.get(b"content-encoding", b"identity")
    if encoding not in (b"", b"identity"):
        return _unsupported("Content-Encoding", encoding, "identity")
    if method not in ("POST", "PUT", "PATCH") or not _has_body(values):
        return None
    kind, _, parameters = values.get(b"content-type", b"").partition(b";")
    name, _, charset = parameters.strip().partition(b"=")
    is_utf8 = name != b"charset" or charset in _UTF8
    # A web page may send text/plain to any site without a CORS preflight, but not JSON.
    if kind.strip() != b"application/json" or not is_utf8:
        return _unsupported("Content-Type", values.get(b"content-type", b""), "application/json")
    return None


def _has_body(values: Mapping[bytes, bytes]) -> bool:
    """False for a request without any, which needs no type."""
    return b"transfer-encoding" in values or values.get(b"content-length", b"0") != b"0"


def _unsupported(header: str, got: bytes, allowed: str) -> HttpError:
    text = got[:60].decode("ascii", "replace")
    return HttpError(
        415,
        f"{header} not supported; got {text!r}, allowed {allowed}",
        code="unsupported_media_type",
        headers=_CLOSE,
    )


def _announced(scope: Scope) -> int:
    """The Content-Length, 0 if there is none. h11 has already refused a malformed one."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0
