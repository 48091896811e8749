# SPDX-License-Identifier: AGPL-3.0-only
"""While the service drains, every response closes its connection."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentiric_llama.service.readiness import Readiness
from sentiric_llama.service.service import LlamaService


class CloseWhileDraining:
    """Sends `Connection: close`, so that clients send their next request elsewhere."""

    def __init__(self, app: ASGIApp, service: LlamaService) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_closing(message: Message) -> None:
            is_start = message["type"] == "http.response.start"
            if is_start and self._service.state is Readiness.DRAINING:
                others = [pair for pair in message["headers"] if pair[0].lower() != b"connection"]
                message["headers"] = [*others, (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, send_closing)
