# SPDX-License-Identifier: AGPL-3.0-only
"""One write for the head of an answer and what follows it at once.

The protocol below us writes head, body and end one by one: three packets, three system calls.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11


class CorkedTransport(asyncio.Transport):
    """Holds a head back until the next write, and at most until the event loop's next turn."""

    def __init__(self, transport: asyncio.Transport, conn: h11.Connection) -> None:
        super().__init__()
        self._transport = transport
        self._conn = conn
        self._loop = asyncio.get_running_loop()
        self._head = b""
        self._late: asyncio.Handle | None = None
        self._is_in_body = False

    def write(self, data: Any) -> None:
        # h11 has just made `data`: the first that it makes in this state is the head.
        was_in_body, self._is_in_body = self._is_in_body, self._conn.our_state is h11.SEND_BODY
        if self._is_in_body and not was_in_body:
            self._head = bytes(data)
            self._late = self._loop.call_soon(self._uncork)
        elif self._late is not None:
            # An empty piece in the middle of a body is no reason to go: the end may follow.
            if data or not self._is_in_body:
                self._uncork(data)
        elif data:
            self._transport.write(data)

    def _uncork(self, more: Any = b"") -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
            head, self._head = self._head, b""
            self._transport.write(head + more)

    def close(self) -> None:
        self._uncork()
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def can_write_eof(self) -> bool:
        return self._transport.can_write_eof()

    def write_eof(self) -> None:
        self._uncork()
        self._transport.write_eof()

    def get_write_buffer_size(self) -> int:
        return len(self._head) + self._transport.get_write_buffer_size()
