# SPDX-License-Identifier: AGPL-3.0-only
"""HTTP/1.1 on a plain socket: one write for a request, then bytes and the times they came."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

HOST = "127.0.0.1"
Pieces = list[tuple[float, bytes]]


def request(method: str, path: str, body: Any = None, *, keep: bool = False) -> str:
    """The whole request as text; `body` is a value, or a text that is JSON already."""
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    head += ["Connection: keep-alive" if keep else "Connection: close"]
    if text:
        head += ["Content-Type: application/json", f"Content-Length: {len(text.encode())}"]
    return "\r\n".join([*head, "", text])


class Exchange(asyncio.Protocol):
    """One request on a connection that ends with its answer."""

    def __init__(self, wire: bytes) -> None:
        self._wire = wire
        self._transport: asyncio.Transport | None = None
        self.pieces: Pieces = []
        self.started = asyncio.get_running_loop().create_future()
        """The first text, or the end: until then a client may lose patience."""
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._wire)

    def data_received(self, data: bytes) -> None:
        self.pieces.append((time.monotonic(), data))
        if not self.started.done() and any(texts_of(self.pieces)):
            self.started.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self.started, self.ended):
            if not future.done():
                future.set_result(None)

    def leave(self) -> None:
        """As a client does that has waited long enough."""
        if self._transport is not None:
            self._transport.abort()


def status_of(pieces: Pieces) -> int:
    """0 when no status line came."""
    line = b"".join(data for _, data in pieces)[:64].split(b"\r\n")[0].split(b" ")
    return int(line[1]) if len(line) > 1 and line[1].isdigit() else 0


def texts_of(pieces: Pieces) -> Iterator[float]:
    """When each event with text arrived."""
    rest = b""
    for at, data in pieces:
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: {") and _has_text(line[6:]):
                yield at


def _has_text(event: bytes) -> bool:
    choices = json.loads(event).get("choices") or [{}]
    return bool(choices[0].get("delta", {}).get("content"))


def retry_after(pieces: Pieces) -> str:
    """The header's value, or nothing."""
    head = b"".join(data for _, data in pieces[:4]).split(b"\r\n\r\n")[0]
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"retry-after":
            return value.strip().decode("latin-1")
    return ""
