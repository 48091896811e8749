# SPDX-License-Identifier: AGPL-3.0-only
"""Who may call: everything needs the key, except a short list of exact paths."""

from __future__ import annotations

import hashlib
import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

from sentiric_llama.http.errors import HttpError, error_response

PUBLIC = frozenset(
    {"/", "/health", "/health/live", "/health/ready", "/v1/health"}
    | {f"/static/{name}" for name in ("page.js", "sse.js", "page.css", "icon.svg")}
)
"""Paths that GET and HEAD reach without a key."""


class ApiKeyAuth:
    """401 without the right `Authorization: Bearer` or `X-Api-Key`.

    Decides on `scope["path"]`, which the router uses too; never on a URL built from headers.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._digest = _digest(key.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not (_is_public(scope) or self._has_key(scope)):
            error = HttpError(
                401,
                "Invalid API Key",
                code="invalid_api_key",
                kind="authentication_error",
                headers={"www-authenticate": "Bearer", "connection": "close"},
            )
            await error_response(error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _has_key(self, scope: Scope) -> bool:
        given = [_given_key(name, value) for name, value in scope["headers"]]
        return any(
            hmac.compare_digest(_digest(key), self._digest) for key in given if key is not None
        )


def _is_public(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD") and scope["path"] in PUBLIC


def _given_key(name: bytes, value: bytes) -> bytes | None:
    """The key in one header, None in any other header."""
    if name == b"x-api-key":
        return value.strip()
    if name == b"authorization":
        scheme, _, rest = value.partition(b" ")
        return rest.strip() if scheme.lower() == b"bearer" else None
    return None


def _digest(key: bytes) -> bytes:
    """Equal lengths for the constant-time comparison."""
    return hashlib.sha256(key).digest()
