# SPDX-License-Identifier: AGPL-3.0-only
"""Routes that declare what they need, and the guard that stands before each.

The guard runs where the router hands over, on the route that it matched. A route without a
declaration keeps the application from being built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sentiric_llama.access.caller import CURRENT_CALLER, TENANT, make_caller
from sentiric_llama.access.rights import Access, Denial, Doorkeeper
from sentiric_llama.http.errors import HttpError

_TENANT = TENANT.encode()
_CLOSE = {"connection": "close"}
"""The body was not read."""


class Guard:
    """Lets callers through to what they may use, and says whose call it is."""

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self._doorkeeper = doorkeeper

    def route(
        self, path: str, endpoint: Callable[..., Any], method: str, needs: Access
    ) -> GuardedRoute:
        """A route of one method (GET answers HEAD, too)."""
        return GuardedRoute(path, endpoint, method, needs, self)

    async def run(
        self, app: ASGIApp, needs: Access, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Hands over to `app`. Raises HttpError 401 or 403, or what is wrong with the tenant."""
        headers = scope["headers"]
        found = self._doorkeeper.admit(needs, headers)
        if isinstance(found, Denial):
            raise http_error(found)
        if needs is Access.PUBLIC:
            await app(scope, receive, send)
            return
        tenants = (value.decode("latin-1") for name, value in headers if name == _TENANT)
        caller = make_caller(found, tenants, self._doorkeeper.keys.num_users)
        token = CURRENT_CALLER.set(caller)
        try:
            await app(scope, receive, send)
        finally:
            CURRENT_CALLER.reset(token)


class GuardedRoute(Route):
    """A route with its declaration."""

    def __init__(
        self, path: str, endpoint: Callable[..., Any], method: str, needs: Access, guard: Guard
    ) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.needs = Access(needs)
        self._guard = guard

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Also called by the router for a method that is not allowed here."""
        await self._guard.run(super().handle, self.needs, scope, receive, send)


def guard_all(app: Starlette, guard: Guard, unknown: Access) -> Starlette:
    """The application; `unknown` is what a path needs that is no route.

    Raises TypeError for a route that was registered without a declaration.
    """
    check_declared(app.routes)
    not_found = app.router.default

    async def default(scope: Scope, receive: Receive, send: Send) -> None:
        await guard.run(not_found, unknown, scope, receive, send)

    app.router.default = default
    app.router.redirect_slashes = False
    return app


def check_declared(routes: Iterable[BaseRoute]) -> None:
    """Raises TypeError for a route that does not say what it needs."""
    for route in routes:
        if not isinstance(route, GuardedRoute):
            raise TypeError(f"route {getattr(route, 'path', route)!r} does not declare its access")


def http_error(denial: Denial) -> HttpError:
    """The refusal as an answer."""
    if denial.is_unknown:
        return HttpError(
            401,
            denial.message,
            code=denial.code,
            kind="authentication_error",
            headers={"www-authenticate": "Bearer", **_CLOSE},
        )
    return HttpError(403, denial.message, code=denial.code, kind="permission_error", headers=_CLOSE)
