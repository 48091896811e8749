# SPDX-License-Identifier: AGPL-3.0-only
"""The ids of a request: from its headers, to the log and the response headers."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentiric_llama.http.anthropic.errors import id_headers
from sentiric_llama.log.events import event
from sentiric_llama.log.trace import CURRENT_TRACE, Trace, read_trace

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

logger = logging.getLogger(__name__)


class TraceMiddleware:
    """Sets `CURRENT_TRACE` for the request, returns its `x-request-id`, counts the status."""

    def __init__(self, app: ASGIApp, statuses: Counter[int]) -> None:
        self._app = app
        self._statuses = statuses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = trace_of(scope)
        request_id = (trace.request_id or "").encode()
        started = time.monotonic()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                ids = [(name.encode(), request_id) for name in id_headers(scope["path"])]
                message["headers"] = [*message["headers"], *ids]
                self._statuses[message["status"]] += 1
                _log(scope, message["status"], started)
            await send(message)

        token = CURRENT_TRACE.set(trace)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            CURRENT_TRACE.reset(token)


def trace_of(scope: Scope) -> Trace:
    """The ids of a request. Generates a request id if there is none."""
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return read_trace(found.get, "http", uuid.uuid4().hex)


def _log(scope: Scope, status: int, started: float) -> None:
    if not logger.isEnabledFor(logging.DEBUG):
        return
    elapsed = round(1e3 * (time.monotonic() - started), 1)
    method = scope["method"] if scope["method"] in METHODS else "?"
    text = f"{method} {route_of(scope)} {status}"
    event(logger, "HTTP_REQUEST", text, logging.DEBUG, elapsed_ms=elapsed)


def route_of(scope: Scope) -> str:
    """The path template of the route, "?" if none matches: the raw path is untrusted.

    For the log only; access is checked on the route that the router matched.
    """
    app = scope.get("app")
    for route in getattr(app, "routes", ()):
        if isinstance(route, Route) and route.path_regex.fullmatch(scope["path"]):
            return route.path
    return "?"
