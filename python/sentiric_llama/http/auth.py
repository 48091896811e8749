# SPDX-License-Identifier: AGPL-3.0-only
"""Who may call: everything needs a key with the right role, except a short list of exact paths."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from sentiric_llama.api_key import ROLES, Identity, KeyRing, Role
from sentiric_llama.config import PREFIX
from sentiric_llama.http.errors import HttpError, error_response

PUBLIC = frozenset(
    {"/", "/health", "/health/live", "/health/ready", "/v1/health"}
    | {f"/static/{name}" for name in ("page.js", "sse.js", "page.css", "icon.svg")}
)
"""Paths that GET and HEAD reach without a key."""
STATISTICS = frozenset({"/v1/stats", "/v1/stats/stream"})
"""Paths for which the role metrics is enough."""
ADMIN_ROUTES = frozenset({("POST", "/v1/models/switch"), ("POST", "/v1/hardware/config")})
"""What changes the service for everybody."""

Needs = Callable[[str, str], tuple[Role, ...]]
"""The roles, one of which a method of a path needs."""


def api_needs(method: str, path: str) -> tuple[Role, ...]:
    """What the routes of the API need."""
    if (method, path) in ADMIN_ROUTES:
        return ROLES  # a known key; `AdminAuth` decides which
    return ("user", "metrics") if path in STATISTICS else ("user",)


def metrics_needs(_method: str, _path: str) -> tuple[Role, ...]:
    """What the page of the metrics needs."""
    return ("metrics",)


class _Guard:
    """Answers with the refusal instead of the application."""

    def __init__(self, app: ASGIApp, keys: KeyRing) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = self._refusal(scope) if scope["type"] == "http" else None
        if error is not None:
            await error_response(error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> HttpError | None:
        raise NotImplementedError


class ApiKeyAuth(_Guard):
    """401 without a known `Authorization: Bearer` or `X-Api-Key`, 403 for one that may not.

    Decides on `scope["path"]`, which the router uses too; never on a URL built from headers.
    """

    def __init__(self, app: ASGIApp, keys: KeyRing, needs: Needs) -> None:
        super().__init__(app, keys)
        self._needs = needs

    def _refusal(self, scope: Scope) -> HttpError | None:
        if _is_public(scope):
            return None
        roles = self._needs(scope["method"], scope["path"])
        return _refusal_of(self._keys.identify(scope["headers"]), roles)


class AdminAuth(_Guard):
    """Lets only the role admin through to `ADMIN_ROUTES`; when no key has it, nobody."""

    def _refusal(self, scope: Scope) -> HttpError | None:
        if (scope["method"], scope["path"]) not in ADMIN_ROUTES:
            return None
        if not self._keys.opens("admin"):
            text = "changing the model is off; to allow it set"
            text += f" {PREFIX}ADMIN_KEY, or a key with the role admin in {PREFIX}API_KEYS"
            return _forbidden(text, "admin_disabled")
        return _refusal_of(self._keys.identify(scope["headers"]), ("admin",))


def _refusal_of(identity: Identity | None, roles: tuple[Role, ...]) -> HttpError | None:
    """None for who has one of the roles."""
    if identity is None:
        return HttpError(
            401,
            "Invalid API Key",
            code="invalid_api_key",
            kind="authentication_error",
            headers={"www-authenticate": "Bearer", "connection": "close"},
        )
    if identity.may(*roles):
        return None
    allowed = " or ".join(dict.fromkeys((*roles, "admin")))
    text = f"the key {identity.name} may not do this; allowed are keys with the role {allowed}"
    return _forbidden(text, "role_missing")


def _forbidden(text: str, code: str) -> HttpError:
    """The connection is closed, for the body was not read."""
    close = {"connection": "close"}
    return HttpError(403, text, code=code, kind="permission_error", headers=close)


def _is_public(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD") and scope["path"] in PUBLIC
