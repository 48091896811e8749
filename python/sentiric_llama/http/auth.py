# SPDX-License-Identifier: AGPL-3.0-only
"""Who may call: everything needs a key with the right role, except a short list of exact paths."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from sentiric_llama.api_key import KeyRing, Role
from sentiric_llama.http.errors import HttpError, error_response

PUBLIC = frozenset(
    {"/", "/health", "/health/live", "/health/ready", "/v1/health"}
    | {f"/static/{name}" for name in ("page.js", "sse.js", "page.css", "icon.svg")}
)
"""Paths that GET and HEAD reach without a key."""
STATISTICS = frozenset({"/v1/stats", "/v1/stats/stream"})
"""Paths for which the role metrics is enough."""

Needs = Callable[[str], tuple[Role, ...]]
"""The roles, one of which a path needs."""


def api_needs(path: str) -> tuple[Role, ...]:
    """What the routes of the API need."""
    return ("user", "metrics") if path in STATISTICS else ("user",)


def metrics_needs(_path: str) -> tuple[Role, ...]:
    """What the page of the metrics needs."""
    return ("metrics",)


class ApiKeyAuth:
    """401 without a known `Authorization: Bearer` or `X-Api-Key`, 403 for one that may not.

    Decides on `scope["path"]`, which the router uses too; never on a URL built from headers.
    """

    def __init__(self, app: ASGIApp, keys: KeyRing, needs: Needs) -> None:
        self._app = app
        self._keys = keys
        self._needs = needs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = None if scope["type"] != "http" or _is_public(scope) else self._refusal(scope)
        if error is not None:
            await error_response(error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> HttpError | None:
        identity = self._keys.identify(scope["headers"])
        if identity is None:
            return HttpError(
                401,
                "Invalid API Key",
                code="invalid_api_key",
                kind="authentication_error",
                headers={"www-authenticate": "Bearer", "connection": "close"},
            )
        roles = self._needs(scope["path"])
        if identity.may(*roles):
            return None
        return HttpError(
            403,
            f"the key {identity.name} may not do this; allowed are keys with the role "
            + " or ".join((*roles, "admin")),
            code="role_missing",
            kind="permission_error",
            headers={"connection": "close"},
        )


def _is_public(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD") and scope["path"] in PUBLIC
