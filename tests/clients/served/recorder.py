# SPDX-License-Identifier: AGPL-3.0-only
"""Writes down what clients send and what they get, one JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def append(path: Path, record: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")


class Exchange:
    """One request and its answer, collected while they pass.

    It is written down before the end of the answer leaves, so that whoever has it finds it there.
    """

    def __init__(self, path: Path, scope: Any, receive: Any, send: Any) -> None:
        self._path, self._is_written = path, False
        self._scope, self._receive, self._send = scope, receive, send
        self._body, self._answer = bytearray(), bytearray()
        self._status, self._headers = 0, {}

    async def receive(self) -> Any:
        message = await self._receive()
        self._body.extend(message.get("body", b""))
        return message

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], _texts(message["headers"])
        self._answer.extend(message.get("body", b""))
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.write()
        await self._send(message)

    def write(self) -> None:
        """Once; also what was cut off."""
        if not self._is_written:
            self._is_written = True
            append(self._path, self._record())

    def _record(self) -> dict[str, Any]:
        query = self._scope["query_string"].decode()
        return {
            "method": self._scope["method"],
            "path": self._scope["path"] + (f"?{query}" if query else ""),
            "headers": _texts(self._scope["headers"]),
            "body": _parsed(bytes(self._body)),
            "status": self._status,
            "answer_headers": self._headers,
            "answer": _parsed(bytes(self._answer)),
        }


class Recorder:
    """An ASGI application around another."""

    def __init__(self, app: Any, path: Path) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(self._path, scope, receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        finally:
            exchange.write()


def _texts(headers: Any) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _parsed(data: bytes) -> Any:
    text = data.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
