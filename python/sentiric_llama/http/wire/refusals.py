# SPDX-License-Identifier: AGPL-3.0-only
"""What a connection is refused for, whatever it asks: no room, or no name that may call."""

from __future__ import annotations

import re
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http.errors import HttpError, error_response

PROBES_ONLY, NO_NAME = "sentiric.probes_only", "sentiric.no_name"
"""Marks of a connection in the scope's state."""
PROBES = frozenset({"/health", "/health/live", "/health/ready", "/v1/health", "/metrics"})

_PROBE = re.compile(rb"(?:GET|HEAD) (?:/health(?:/live|/ready)?|/v1/health|/metrics) ")

FULL = HttpError(
    503,
    "too many connections",
    code="unavailable",
    kind="unavailable_error",
    headers={"connection": "close"},
)
_NO_NAME = HttpError(
    403,
    "the client certificate has no name that may call",
    code="certificate_not_allowed",
    kind="permission_error",
    headers={"connection": "close"},
)


def is_probe(data: bytes) -> bool:
    """True when a request of a probe begins with these bytes: it need not wait for its turn."""
    return _PROBE.match(data) is not None


class RefusedConnections:
    """Answers for the application on connections that were let in for probes, or not at all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        marks = scope.get("state", {})
        if marks.get(NO_NAME):
            await error_response(_NO_NAME)(scope, receive, send)
        elif not marks.get(PROBES_ONLY):
            await self._app(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD") and scope["path"] in PROBES:
            await self._app(scope, receive, _closing(send))
        else:
            await error_response(FULL)(scope, receive, send)


def _closing(send: Send) -> Send:
    """The place is for the next probe."""

    async def send_closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return send_closing


def whole_answer(error: HttpError | SentiricLlamaError, request_id: str, *, closes: bool) -> bytes:
    """A refusal as the application would write it, for requests that never reach it."""
    response = error_response(error)
    headers = {**dict(response.headers), "x-request-id": request_id}
    if closes:
        headers["connection"] = "close"
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    phrase = HTTPStatus(response.status_code).phrase
    head = f"HTTP/1.1 {response.status_code} {phrase}\r\n{''.join(lines)}\r\n"
    return head.encode("latin-1") + bytes(response.body)
