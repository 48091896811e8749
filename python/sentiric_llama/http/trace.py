# SPDX-License-Identifier: AGPL-3.0-only
"""Who a request belongs to: ids out of headers, into the log lines and back in the answer."""

from __future__ import annotations

import logging
import time
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentiric_llama.log import CURRENT_TRACE, Trace, clean_id, event

logger = logging.getLogger(__name__)


class TraceMiddleware:
    """Sets `log.CURRENT_TRACE` for the request and returns its `x-request-id`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = read_trace(scope)
        request_id = (trace.request_id or "").encode()
        started = time.monotonic()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
                _log(scope, message["status"], started)
            await send(message)

        token = CURRENT_TRACE.set(trace)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            CURRENT_TRACE.reset(token)


def read_trace(scope: Scope) -> Trace:
    """The ids of one request; what is no id is ignored, a missing request id is made."""
    found = {name: value.decode("latin-1") for name, value in scope["headers"]}
    return Trace(
        trace_id=clean_id(found.get(b"x-trace-id")),
        span_id=clean_id(found.get(b"x-span-id")),
        tenant_id=clean_id(found.get(b"x-tenant-id")),
        request_id=clean_id(found.get(b"x-request-id")) or uuid.uuid4().hex,
    )


def _log(scope: Scope, status: int, started: float) -> None:
    elapsed = round(1e3 * (time.monotonic() - started), 1)
    text = f"{scope['method']} {scope['path'][:200]} {status}"
    event(logger, "HTTP_REQUEST", text, logging.DEBUG, elapsed_ms=elapsed)
