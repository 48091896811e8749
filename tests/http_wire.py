# SPDX-License-Identifier: AGPL-3.0-only
"""One connection of the HTTP server without a socket: bytes in, writes counted."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import re
import socket
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp
from uvicorn import Config
from uvicorn.server import ServerState

from sentiric_llama.http.wire.connection import Connection
from sentiric_llama.server.http_server import server_config
from sentiric_llama.settings.config import Settings

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class FakeTransport(asyncio.Transport):
    """Keeps every write that holds bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False
        self.is_paused = False
        self.has_ended = False

    def write(self, data: Any) -> None:
        if data and not self.is_closed:
            self.writes.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.has_ended = True

    def get_write_buffer_size(self) -> int:
        return 0

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in _STATUS.findall(b"".join(self.writes))]


@functools.lru_cache(maxsize=8)
def _config(app: ASGIApp) -> Config:
    return server_config(app, Settings())


class Wire:
    """A connection over `app`; to be made on a running loop."""

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        self.transport = FakeTransport()
        self.connection = Connection(
            config=_config(app), server_state=ServerState(), app_state={}, **options
        )
        self.connection.connection_made(self.transport)

    async def send(self, pieces: Iterable[bytes], turns: int = 30) -> FakeTransport:
        """Gives each piece as one packet, then lets the loop turn."""
        for piece in pieces:
            if self.transport.is_closed:
                break
            self.connection.data_received(piece)
        for _ in range(turns):
            await asyncio.sleep(0)
        return self.transport

    def hang_up(self) -> None:
        self.transport.close()
        self.connection.connection_lost(None)


def delays(port: int) -> list[bool]:
    """For each connection that this process has accepted on `port`: whether it may wait to send."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(name))) as own:
            is_tcp = own.family in (socket.AF_INET, socket.AF_INET6)
            if is_tcp and own.getsockname()[1] == port and own.getpeername():
                found.append(not own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    return found
