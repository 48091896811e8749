# SPDX-License-Identifier: AGPL-3.0-only
"""One connection: uvicorn's, with a deadline for the request's head and refusals in our shape."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sentiric_llama.http.errors import HttpError, dump_json, error_body, error_response

HEAD_TIMEOUT_S = 10.0


class Connection(H11Protocol):
    """Closed when a head is not complete 10 s after it began, however its bytes are spread."""

    def __init__(
        self, *args: Any, allowed_names: frozenset[str] = frozenset(), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._allowed_names = allowed_names
        self._most_connections = self.limit_concurrency or 0
        self.limit_concurrency = None  # uvicorn's own refusal is plain text
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if 0 < self._most_connections < len(self.connections):
            self.app = _refuse
        elif self._allowed_names and self._allowed_names.isdisjoint(certificate_names(transport)):
            self.app = _refuse_name
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._head_arrived()
        elif self._head_timer is None:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        error = HttpError(400, "not a valid HTTP request", code="bad_request")
        body = dump_json(error_body(error))
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        response = h11.Response(status_code=error.status, headers=headers, reason=b"Bad Request")
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def certificate_names(transport: asyncio.Transport) -> set[str]:
    """The subject alternative names of the client's certificate; it was checked before."""
    found = (transport.get_extra_info("peercert") or {}).get("subjectAltName", ())
    return {value for _, value in found}


async def _refuse_name(scope: Scope, receive: Receive, send: Send) -> None:
    """The application of clients whose certificate has no name that may call."""
    error = HttpError(
        403,
        "the client certificate has no name that may call",
        code="certificate_not_allowed",
        kind="permission_error",
        headers={"connection": "close"},
    )
    await error_response(error)(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """The application of connections beyond the limit."""
    error = HttpError(
        503,
        "too many connections",
        code="unavailable",
        kind="unavailable_error",
        headers={"connection": "close"},
    )
    await error_response(error)(scope, receive, send)
