# SPDX-License-Identifier: AGPL-3.0-only
"""Connections whose requests are all refused: over the limit, or with a certificate not allowed."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http.anthropic.errors import id_headers
from sentiric_llama.http.errors import HttpError, error_response

PROBES_ONLY, NO_NAME = "sentiric.probes_only", "sentiric.no_name"
"""Keys in the state of the ASGI scope."""
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
    "the client certificate has no allowed name",
    code="certificate_not_allowed",
    kind="permission_error",
    headers={"connection": "close"},
)


def is_probe(data: bytes) -> bool:
    """True if the data begins a health probe, which need not wait for its turn."""
    return _PROBE.match(data) is not None


class RefusedConnections:
    """Refuses requests on connections that are reserved for probes, or not authorized."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        marks = scope.get("state", {})
        if marks.get(NO_NAME):
            await error_response(_NO_NAME, scope["path"])(scope, receive, send)
        elif not marks.get(PROBES_ONLY):
            await self._app(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD") and scope["path"] in PROBES:
            await self._app(scope, receive, _closing(send))
        else:
            await error_response(FULL, scope["path"])(scope, receive, send)


def _closing(send: Send) -> Send:
    """Closes the connection after the response, to free the seat for the next probe."""

    async def send_closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return send_closing


def whole_answer(
    error: HttpError | SentiricLlamaError, request_id: str, *, closes: bool, path: str = ""
) -> bytes:
    """The response to an error as bytes, for requests that never reach the application."""
    response = error_response(error, path, request_id)
    headers = {**dict(response.headers), **dict.fromkeys(id_headers(path), request_id)}
    if closes:
        headers["connection"] = "close"
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    phrase = HTTPStatus(response.status_code).phrase
    head = f"HTTP/1.1 {response.status_code} {phrase}\r\n{''.join(lines)}\r\n"
    return head.encode("latin-1") + bytes(response.body)


def certificate_names(transport: asyncio.Transport) -> set[str]:
    """The subject alternative names of the client's certificate, which TLS has verified."""
    found = (transport.get_extra_info("peercert") or {}).get("subjectAltName", ())
    return {value for _, value in found}
