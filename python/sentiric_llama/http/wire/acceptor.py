# SPDX-License-Identifier: AGPL-3.0-only
"""Takes connections, a few in each turn of the event loop, and keeps calm without descriptors.

asyncio takes a whole backlog in one turn, and when descriptors run out it logs each try.
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

from sentiric_llama.http.wire.connection import HEAD_TIMEOUT_S, Port
from sentiric_llama.http.wire.door import Greeting, close_the_door
from sentiric_llama.http.wire.refusals import FULL, whole_answer
from sentiric_llama.http.wire.seats import Seat
from sentiric_llama.log.events import event

ACCEPTS_PER_TURN = 32
"""More than requests are taken up, so that a probe does not wait in the backlog behind them."""
HANDSHAKES_PER_TURN = 4
"""A signature each: a millisecond or two of the event loop."""
LOG_EVERY_S = 60.0
SPARE_DESCRIPTORS = 2
"""Given up for probes when the process has no other left."""
_MAX_FIRST = 64 * 1024
_PAUSE_S = 0.25
_BREATH_S = 0.01  # until a connection that gives way has closed
_TURNED_AWAY_S = 0.5
_MAX_TURNED_AWAY = 64
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Make = Callable[[Seat], asyncio.Protocol]

logger = logging.getLogger(__name__)


class Acceptor:
    """Stands where uvicorn expects an asyncio server."""

    def __init__(
        self, listener: socket.socket, port: Port, make: Make, context: ssl.SSLContext | None
    ) -> None:
        self._listener = listener
        self._port = port
        self._make = make
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._silent: set[Greeting] = set()
        self._greetings: deque[Greeting] = deque()
        self._spares: list[int] = []
        self._resuming: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._num_turned_away = 0
        self._num_pauses = 0
        self._logged_at = -LOG_EVERY_S

    def start(self) -> None:
        self._keep_spares()
        self._loop.add_reader(self._listener, self._accept)

    async def finish(self) -> None:
        """Takes no more connections; those that the kernel had completed are still taken."""
        if self._is_closed:
            return
        self._pause()
        close_the_door(self._listener)
        while self._accept():
            await asyncio.sleep(0)
        self.close()

    def close(self) -> None:
        """Takes no more connections."""
        if not self._is_closed:
            self._pause()
            self._is_closed = True
            self._listener.close()
            for spare in self._spares:
                os.close(spare)
            self._spares.clear()

    async def wait_closed(self) -> None:
        for greeting in list(self._silent):
            greeting.give_up()
        for task in self._opening:
            task.cancel()
        if self._opening:
            await asyncio.wait(self._opening)

    def _pause(self, seconds: float | None = None) -> None:
        """Accepts nothing until it is resumed, after `seconds` or never."""
        if self._is_closed:
            return
        self._loop.remove_reader(self._listener)
        if self._resuming is not None:
            self._resuming.cancel()
        self._resuming = self._loop.call_later(seconds, self.start) if seconds else None

    def _accept(self) -> bool:
        """Takes as many as one turn may. False when there were fewer."""
        for _ in range(ACCEPTS_PER_TURN):
            try:
                connection, _ = self._listener.accept()
            except OSError as error:  # nobody there any more, unless:
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
            self._turn_away(connection)
        elif self._context is None:
            self._open_or_refuse(connection, seat)
        else:
            self._silent.add(Greeting(connection, seat, self._greeted))

    # TLS: nobody is given a handshake before he has said something

    def _greeted(self, greeting: Greeting) -> None:
        self._silent.discard(greeting)
        if not greeting.has_arrived:
            return
        self._greetings.append(greeting)
        if len(self._greetings) == 1:
            self._loop.call_soon(self._shake_hands)

    def _shake_hands(self) -> None:
        for _ in range(min(HANDSHAKES_PER_TURN, len(self._greetings))):
            greeting = self._greetings.popleft()
            self._open(greeting.connection, greeting.seat)
        if self._greetings:
            self._loop.call_soon(self._shake_hands)

    def _open_or_refuse(self, connection: socket.socket, seat: Seat) -> None:
        """A chat that is here whole and is to be refused needs no transport."""
        gate, first = self._port.gate, b""
        if gate is not None and gate.is_closed and not seat.is_reserved:
            with contextlib.suppress(OSError):  # nothing has come yet
                first = connection.recv(_MAX_FIRST)
            if refusal := gate.refusal(first, connection.getsockname(), whole_only=True):
                seat.leave()
                _say_and_close(connection, refusal.answer)
                return
        self._open(connection, seat, first)

    def _open(self, connection: socket.socket, seat: Seat, first: bytes = b"") -> None:
        """`first` has been read already."""
        seat.work()  # until there is a protocol that could close it
        task = self._loop.create_task(self._connect(connection, seat, first))
        if self._context is not None:
            seat.leave_now = task.cancel
            seat.be_slow()
        self._opening.add(task)
        task.add_done_callback(functools.partial(self._opened, connection))

    def _opened(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if task.cancelled():  # before it had begun
            connection.close()

    async def _connect(self, connection: socket.socket, seat: Seat, first: bytes) -> None:
        patience = HEAD_TIMEOUT_S if self._context else None
        is_open = False
        try:
            # A handshake that fails is the client's affair, not a line of our log.
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

    # No room

    def _turn_away(self, connection: socket.socket) -> None:
        """Says so without reading more than what lies there."""
        self._port.statuses[503] += 1
        with contextlib.suppress(OSError):
            if self._context is None:
                connection.recv(65536)
        with contextlib.suppress(OSError):
            if self._context is None:
                connection.send(whole_answer(FULL, uuid.uuid4().hex, closes=True))
                connection.shutdown(socket.SHUT_WR)
        if self._context is not None or self._num_turned_away >= _MAX_TURNED_AWAY:
            connection.close()
            return
        # A request that comes now would be met by a reset, which destroys the answer.
        self._num_turned_away += 1
        self._loop.call_later(_TURNED_AWAY_S, self._forget, connection)

    def _forget(self, connection: socket.socket) -> None:
        self._num_turned_away -= 1
        connection.close()

    def _make_room(self) -> None:
        """The process has no descriptor left. An idle connection gives way; probes get a spare."""
        if self._port.seats.free_one():
            self._pause(_BREATH_S)
            return
        if self._let_a_probe_in():
            self._pause(_BREATH_S)
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

    def _let_a_probe_in(self) -> bool:
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


def _say_and_close(connection: socket.socket, answer: bytes) -> None:
    """To a client of which nothing is left unread."""
    with connection, contextlib.suppress(OSError):
        connection.send(answer)
        connection.shutdown(socket.SHUT_WR)
