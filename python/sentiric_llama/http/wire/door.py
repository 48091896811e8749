# SPDX-License-Identifier: AGPL-3.0-only
"""The two ends of accepting: who has not spoken yet, and how nobody more comes in."""

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
_SO_ATTACH_FILTER = 26


class Greeting:
    """A connection on a port with TLS, until its first byte."""

    def __init__(
        self, connection: socket.socket, seat: Seat, done: Callable[[Greeting], None]
    ) -> None:
        self.connection = connection
        self.seat = seat
        self.has_arrived = False
        """False in the end: it never came."""
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


def close_the_door(listener: socket.socket) -> None:
    """The kernel completes no further connection; those that wait can still be taken.

    Otherwise one could slip in between the last accept and the close, and be reset. A filter that
    keeps no byte drops the first packet of newcomers, who find the port closed when they try again.
    """
    if sys.platform != "linux":
        return
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", _BPF_RETURN, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(drop_all))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
