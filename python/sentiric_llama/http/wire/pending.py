# SPDX-License-Identifier: AGPL-3.0-only
"""Connections that have sent nothing yet, and the end of accepting new ones."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import socket
import struct
import sys
from collections.abc import Callable

from sentiric_llama.http.wire.connection import HEAD_TIMEOUT_S
from sentiric_llama.http.wire.seats import Seat

# linux/filter.h, asm-generic/socket.h
_BPF_RETURN = 0x06
_BPF_LOAD_BYTE, _BPF_JUMP_IF_SET = 0x30, 0x45
_TCP_FLAGS_AT, _TCP_SYN = 13, 0x02  # RFC 9293, section 3.1
_SO_ATTACH_FILTER = 26


class Pending:
    """A connection on a TLS port before its first byte."""

    def __init__(
        self, connection: socket.socket, seat: Seat, done: Callable[[Pending], None]
    ) -> None:
        self.connection = connection
        self.seat = seat
        self.has_arrived = False
        """True once the first byte has arrived."""
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(HEAD_TIMEOUT_S, self.give_up)
        self._loop.add_reader(connection, self._arrived)
        seat.leave_now = self.give_up

    def _arrived(self) -> None:
        self.has_arrived = True
        self.seat.work()
        self._stop()

    def give_up(self) -> None:
        self._stop()
        self.seat.leave()
        self.connection.close()

    def _stop(self) -> None:
        self._timer.cancel()
        self._loop.remove_reader(self.connection)
        self._done(self)


def drop_new_connections(listener: socket.socket) -> None:
    """Makes the kernel ignore new connections. Those in the backlog can still be accepted.

    Otherwise, a connection completed between the last accept and the close would be reset. A filter
    drops the SYN of new clients, who find the port closed when they retry. Handshakes that have
    begun are completed.
    """
    if sys.platform != "linux":
        return
    steps = (
        (_BPF_LOAD_BYTE, 0, 0, _TCP_FLAGS_AT),
        (_BPF_JUMP_IF_SET, 0, 1, _TCP_SYN),
        (_BPF_RETURN, 0, 0, 0),
        (_BPF_RETURN, 0, 0, 0xFFFFFFFF),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HP", len(steps), ctypes.addressof(code))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
