# SPDX-License-Identifier: AGPL-3.0-only
"""Who may call: everything needs the key, except a short list of exact paths."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from sentiric_llama.api_key import ApiKey
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
        self._key = ApiKey(key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not (_is_public(scope) or self._key.is_in(scope["headers"])):
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


def _is_public(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD") and scope["path"] in PUBLIC
