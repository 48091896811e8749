# SPDX-License-Identifier: AGPL-3.0-only
"""Routes that declare the access they require, and the guard that checks it.

The guard runs on the route that the router has matched. An application with a route that declares
nothing cannot be built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sentiric_llama.access.caller import CURRENT_CALLER, TENANT, make_caller
from sentiric_llama.access.limiter import Limiter
from sentiric_llama.access.rights import Access, AccessCheck, Denial
from sentiric_llama.http.errors import HttpError
from sentiric_llama.http.middleware.rate_headers import telling_rates

_TENANT = TENANT.encode()
_CLOSE = {"connection": "close"}
"""Because the body has not been read."""


class Guard:
    """Checks the caller of a request, and sets `CURRENT_CALLER` for its handler."""

    def __init__(self, access: AccessCheck, limiter: Limiter | None = None) -> None:
        """With a limiter, answers say what the key has left."""
        self._access = access
        self._limiter = limiter

    def route(
        self, path: str, endpoint: Callable[..., Any], method: str, needs: Access
    ) -> GuardedRoute:
        """A route for one method. GET includes HEAD."""
        return GuardedRoute(path, endpoint, method, needs, self)

    async def run(
        self, app: ASGIApp, needs: Access, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Runs `app` for an authorized caller. Raises HttpError 401 or 403, or InvalidArgument."""
        headers = scope["headers"]
        found = self._access.admit(needs, headers)
        if isinstance(found, Denial):
            raise http_error(found)
        if needs is Access.PUBLIC:
            await app(scope, receive, send)
            return
        tenants = (value.decode("latin-1") for name, value in headers if name == _TENANT)
        caller = make_caller(found, tenants, self._access.keys.keeps_apart)
        if self._limiter is not None and caller.limits.are_set:
            send = telling_rates(send, self._limiter, caller)
        token = CURRENT_CALLER.set(caller)
        try:
            await app(scope, receive, send)
        finally:
            CURRENT_CALLER.reset(token)


class GuardedRoute(Route):
    """A route and the access that it requires."""

    def __init__(
        self, path: str, endpoint: Callable[..., Any], method: str, needs: Access, guard: Guard
    ) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.needs = Access(needs)
        self._guard = guard

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The router also calls this for a method that no route of the path has."""
        has_method = scope["method"] in (self.methods or ())
        answer = super().handle if has_method else _refuse_method
        await self._guard.run(answer, self.needs, scope, receive, send)


async def _refuse_method(scope: Scope, _receive: Receive, _send: Send) -> None:
    """405 with the methods of all routes of the path, which may have one route for each."""
    routes = (route for route in scope["router"].routes if isinstance(route, GuardedRoute))
    found = {
        method
        for route in routes
        if route.matches(scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    raise HTTPException(405, headers={"Allow": ", ".join(sorted(found))})


def guard_all(app: Starlette, guard: Guard, unknown: Access) -> Starlette:
    """The application, guarded. A path without a route requires `unknown`.

    Raises TypeError for a route that declares nothing.
    """
    check_declared(app.routes)
    not_found = app.router.default

    async def default(scope: Scope, receive: Receive, send: Send) -> None:
        await guard.run(not_found, unknown, scope, receive, send)

    app.router.default = default
    app.router.redirect_slashes = False
    return app


def check_declared(routes: Iterable[BaseRoute]) -> None:
    """Raises TypeError for a route that declares nothing."""
    for route in routes:
        if not isinstance(route, GuardedRoute):
            raise TypeError(f"route {getattr(route, 'path', route)!r} does not declare its access")


def http_error(denial: Denial) -> HttpError:
    """The error for a denied request."""
    if denial.is_unauthenticated:
        return HttpError(
            401,
            denial.message,
            code=denial.code,
            kind="authentication_error",
            headers={"www-authenticate": "Bearer", **_CLOSE},
        )
    return HttpError(403, denial.message, code=denial.code, kind="permission_error", headers=_CLOSE)
