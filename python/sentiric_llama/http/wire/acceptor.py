# SPDX-License-Identifier: AGPL-3.0-only
"""Accepts connections, a few per iteration of the event loop, and survives a lack of descriptors.

asyncio accepts the whole backlog in one iteration, and logs every attempt without a descriptor.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import os
import socket
import ssl
import time
import uuid
from collections import deque
from collections.abc import Callable

from sentiric_llama.http.wire.connection import HEAD_TIMEOUT_S
from sentiric_llama.http.wire.pending import Pending, drop_new_connections
from sentiric_llama.http.wire.port import Port
from sentiric_llama.http.wire.refusals import FULL, whole_answer
from sentiric_llama.http.wire.seats import Seat
from sentiric_llama.log.events import event

ACCEPTS_PER_TURN = 32
"""More than the requests that start, so that a probe does not wait in the backlog."""
HANDSHAKES_PER_TURN = 4
"""Each costs a signature: one or two milliseconds of the event loop."""
LOG_EVERY_S = 60.0
SPARE_DESCRIPTORS = 2
"""Released for probes when the process runs out of descriptors."""
_MAX_FIRST = 64 * 1024
_PAUSE_S = 0.25
_SHORT_PAUSE_S = 0.01  # until a connection that makes room has closed
_REFUSED_S = 0.5
_MAX_REFUSED = 64
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Make = Callable[[Seat], asyncio.Protocol]

logger = logging.getLogger(__name__)
HANDSHAKE_S = 0.1
"""Time for handshakes that had begun when no more were to come."""


class Acceptor:
    """Implements what uvicorn needs of an asyncio server."""

    def __init__(
        self, listener: socket.socket, port: Port, make: Make, context: ssl.SSLContext | None
    ) -> None:
        self._listener = listener
        self._port = port
        self._make = make
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._silent: set[Pending] = set()
        self._handshakes: deque[Pending] = deque()
        self._spares: list[int] = []
        self._resuming: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._num_refused = 0
        self._num_pauses = 0
        self._logged_at = -LOG_EVERY_S

    def start(self) -> None:
        self._keep_spares()
        self._loop.add_reader(self._listener, self._accept)

    async def finish(self) -> None:
        """Accepts the connections in the backlog, and no others."""
        if self._is_closed:
            return
        self._pause()
        drop_new_connections(self._listener)
        await asyncio.sleep(HANDSHAKE_S)
        while self._accept():
            await asyncio.sleep(0)
        self.close()

    def close(self) -> None:
        """Stops accepting."""
        if not self._is_closed:
            self._pause()
            self._is_closed = True
            self._listener.close()
            for spare in self._spares:
                os.close(spare)
            self._spares.clear()

    async def wait_closed(self) -> None:
        for pending in list(self._silent):
            pending.give_up()
        for task in self._opening:
            task.cancel()
        if self._opening:
            await asyncio.wait(self._opening)

    def _pause(self, seconds: float | None = None) -> None:
        """Stops accepting for `seconds`, or for good."""
        if self._is_closed:
            return
        self._loop.remove_reader(self._listener)
        if self._resuming is not None:
            self._resuming.cancel()
        self._resuming = self._loop.call_later(seconds, self.start) if seconds else None

    def _accept(self) -> bool:
        """Accepts up to the limit of an iteration. False if there were fewer."""
        for _ in range(ACCEPTS_PER_TURN):
            try:
                connection, _ = self._listener.accept()
            except OSError as error:  # usually an empty backlog
                if error.errno in _NO_ROOM:
                    self._make_room()
                return False
            self._take(connection, self._port.seats.take())
        return True

    def _take(self, connection: socket.socket, seat: Seat | None) -> None:
        connection.setblocking(False)
        with contextlib.suppress(OSError):  # closed already
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if seat is None:
            self._refuse(connection)
        elif self._context is None:
            self._open_or_refuse(connection, seat)
        else:
            self._silent.add(Pending(connection, seat, self._no_longer_pending))

    # TLS: a handshake begins with the first byte of the client

    def _no_longer_pending(self, pending: Pending) -> None:
        self._silent.discard(pending)
        if not pending.has_arrived:
            return
        self._handshakes.append(pending)
        if len(self._handshakes) == 1:
            self._loop.call_soon(self._start_handshakes)

    def _start_handshakes(self) -> None:
        for _ in range(min(HANDSHAKES_PER_TURN, len(self._handshakes))):
            pending = self._handshakes.popleft()
            self._open(pending.connection, pending.seat)
        if self._handshakes:
            self._loop.call_soon(self._start_handshakes)

    def _open_or_refuse(self, connection: socket.socket, seat: Seat) -> None:
        """Refuses a chat that has arrived whole without creating a transport for it."""
        shedder, first = self._port.shedder, b""
        if shedder is not None and shedder.is_shedding and not seat.is_reserved:
            with contextlib.suppress(OSError):  # nothing has arrived yet
                first = connection.recv(_MAX_FIRST)
            if refusal := shedder.refusal(first, connection.getsockname(), whole_only=True):
                seat.leave()
                _send_and_close(connection, refusal.answer)
                return
        self._open(connection, seat, first)

    def _open(self, connection: socket.socket, seat: Seat, first: bytes = b"") -> None:
        """`first` is data that has been read already."""
        seat.work()  # until a protocol can close it
        task = self._loop.create_task(self._connect(connection, seat, first))
        if self._context is not None:
            seat.leave_now = task.cancel
            seat.be_slow()
        self._opening.add(task)
        task.add_done_callback(functools.partial(self._opened, connection))

    def _opened(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if task.cancelled():  # before it started
            connection.close()

    async def _connect(self, connection: socket.socket, seat: Seat, first: bytes) -> None:
        patience = HEAD_TIMEOUT_S if self._context else None
        is_open = False
        try:
            # A failed handshake is not logged: any client can cause one.
            with contextlib.suppress(OSError, asyncio.CancelledError):
                _, protocol = await self._loop.connect_accepted_socket(
                    lambda: self._make(seat),
                    connection,
                    ssl=self._context,
                    ssl_handshake_timeout=patience,
                )
                is_open = True
                if first:
                    protocol.data_received(first)
        finally:
            if not is_open:
                seat.leave()
                connection.close()

    # At the limits

    def _refuse(self, connection: socket.socket) -> None:
        """Sends a 503 without waiting for the request."""
        self._port.statuses[503] += 1
        with contextlib.suppress(OSError):
            if self._context is None:
                connection.recv(65536)
        with contextlib.suppress(OSError):
            if self._context is None:
                connection.send(whole_answer(FULL, uuid.uuid4().hex, closes=True))
                connection.shutdown(socket.SHUT_WR)
        if self._context is not None or self._num_refused >= _MAX_REFUSED:
            connection.close()
            return
        # Closing now would reset the connection if a request arrives, and destroy the response.
        self._num_refused += 1
        self._loop.call_later(_REFUSED_S, self._close_refused, connection)

    def _close_refused(self, connection: socket.socket) -> None:
        self._num_refused -= 1
        connection.close()

    def _make_room(self) -> None:
        """Handles a lack of descriptors: closes an idle connection, or accepts a probe."""
        if self._port.seats.free_one() or self._accept_probe():
            self._pause(_SHORT_PAUSE_S)
            return
        self._pause(_PAUSE_S)
        self._num_pauses += 1
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_S:
            self._logged_at = now
            text = "no descriptor left for a new connection; raise the limit of open files"
            open_now, pauses = len(self._port.seats), self._num_pauses
            event(logger, "HTTP_ACCEPT_PAUSED", text, logging.ERROR, connections=open_now,
                  pauses=pauses)  # fmt: skip

    def _accept_probe(self) -> bool:
        """Accepts a connection for probes with a spare descriptor."""
        if not self._spares:
            return False
        os.close(self._spares.pop())
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return False
        self._take(connection, self._port.seats.take(only_reserved=True))
        return True

    def _keep_spares(self) -> None:
        with contextlib.suppress(OSError):
            while len(self._spares) < SPARE_DESCRIPTORS:
                self._spares.append(os.open(os.devnull, os.O_RDONLY))


def _send_and_close(connection: socket.socket, answer: bytes) -> None:
    """For a client whose request has been read to its end."""
    with connection, contextlib.suppress(OSError):
        connection.send(answer)
        connection.shutdown(socket.SHUT_WR)
