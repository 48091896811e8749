# SPDX-License-Identifier: AGPL-3.0-only
"""One write for the head of a response and the data that follows it.

uvicorn writes head, body and end one by one: three packets, three system calls.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11

_EVENTS = b"content-type: text/event-stream"


class CorkedTransport(asyncio.Transport):
    """Delays a head until the next write, at most until the next iteration of the event loop."""

    def __init__(self, transport: asyncio.Transport, conn: h11.Connection) -> None:
        super().__init__()
        self._transport = transport
        self._conn = conn
        self._loop = asyncio.get_running_loop()
        self._head = b""
        self._late: asyncio.Handle | None = None
        self._is_in_body = False
        self.has_events = False
        """The response that is being sent is a stream of server-sent events."""

    def write(self, data: Any) -> None:
        # h11 has just produced `data`. The first data that it produces in this state is a head.
        was_in_body, self._is_in_body = self._is_in_body, self._conn.our_state is h11.SEND_BODY
        if self._is_in_body and not was_in_body:
            self._head = bytes(data)
            self.has_events = _EVENTS in self._head
            self._late = self._loop.call_soon(self._uncork)
        elif self._late is not None:
            # After an empty piece of the body, its end may follow at once.
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
