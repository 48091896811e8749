# SPDX-License-Identifier: AGPL-3.0-only
"""The limit on connections, and which of them is closed to make room for a new one.

At the limit, unused connections are closed: first those without a complete head, then those that
have been idle longest, then those whose body is overdue. If all are in use, the new connection gets
a reserved seat, on which only health probes are answered, so that a load balancer does not mistake
a busy service for a dead one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

RESERVE = 32
SILENT_S = 0.4
"""At the limit, a connection without a complete head may be closed after this time."""
SLOW_S = 2.0
"""The same for an overdue body or handshake, and for a response that nobody reads."""
_MOST_TRIES = 8


class Seat:
    """The place of one connection. The owner reports its state, and may be told to close."""

    __slots__ = ("_seats", "is_quiet", "is_reserved", "leave_now", "since")

    def __init__(self, seats: Seats, *, is_reserved: bool) -> None:
        self._seats = seats
        self.is_reserved = is_reserved
        self.since = 0.0
        """When its present state began."""
        self.leave_now: Callable[[], object] = _nothing
        """Closes the connection. Called at most once, with the seat already free."""
        self.is_quiet: Callable[[], bool] = _yes
        """False if data has arrived that has not been read."""

    def stay_silent(self) -> None:
        """No complete head has arrived, or only data that nobody needs."""
        self._seats.note(self, self._seats.silent_list(self))

    def be_slow(self) -> None:
        """The peer is slow to send its request or to read its response."""
        self._seats.note(self, self._seats.slow_list(self))

    def work(self) -> None:
        """A request is being processed."""
        self._seats.note(self, None)

    def rest(self) -> None:
        """Idle between two requests."""
        self._seats.note(self, self._seats.resting_list(self))

    def leave(self) -> None:
        """The connection is closed. Idempotent."""
        self._seats.give_back(self)


class Seats:
    """The seats of one port."""

    def __init__(
        self, most: int, reserve: int = RESERVE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._reserve = reserve
        self._clock = clock
        self._taken: dict[Seat, dict[Seat, None] | None] = {}
        """Seat -> the list that it is in, if it may be closed."""
        self._num_reserved = 0
        # Oldest first.
        self._silent: dict[Seat, None] = {}
        self._idle_reserved: dict[Seat, None] = {}
        self._resting: dict[Seat, None] = {}
        self._slow: dict[Seat, None] = {}

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, *, only_reserved: bool = False) -> Seat | None:
        """A seat; at the limit a reserved one, None if those are taken, too."""
        is_reserved = only_reserved or not (self._has_room() or self.free_one())
        if is_reserved and self._num_reserved >= self._reserve:
            oldest = next(iter(self._idle_reserved), None)
            if oldest is None:
                return None
            self._dismiss(oldest)
        seat = Seat(self, is_reserved=is_reserved)
        self._taken[seat] = None
        self._num_reserved += is_reserved
        seat.stay_silent()
        return seat

    def free_one(self) -> bool:
        """Closes an unused connection. False if there is none."""
        return (
            self._free_quiet_one(self._silent, SILENT_S)
            or self._free_quiet_one(self._resting, 0.0)
            or self._free_slow_one()
        )

    def _free_slow_one(self) -> bool:
        """Unread input does not protect a connection whose body or reading is overdue."""
        oldest = next(iter(self._slow), None)
        if oldest is None or self._clock() - oldest.since < SLOW_S:
            return False
        self._dismiss(oldest)
        return True

    def _free_quiet_one(self, waiting: dict[Seat, None], granted_s: float) -> bool:
        for _ in range(min(_MOST_TRIES, len(waiting))):
            oldest = next(iter(waiting))
            if self._clock() - oldest.since < granted_s:
                return False
            if oldest.is_quiet():
                self._dismiss(oldest)
                return True
            self.note(oldest, waiting)  # its data is about to be read
        return False

    # For `Seat`

    def silent_list(self, seat: Seat) -> dict[Seat, None]:
        return self._idle_reserved if seat.is_reserved else self._silent

    def slow_list(self, seat: Seat) -> dict[Seat, None]:
        return self._idle_reserved if seat.is_reserved else self._slow

    def resting_list(self, seat: Seat) -> dict[Seat, None]:
        return self._idle_reserved if seat.is_reserved else self._resting

    def note(self, seat: Seat, waiting: dict[Seat, None] | None) -> None:
        """Moves it to the end of a list, or out of all lists."""
        if seat not in self._taken:
            return
        before = self._taken[seat]
        if before is not None:
            del before[seat]
        self._taken[seat] = waiting
        if waiting is not None:
            seat.since = self._clock()
            waiting[seat] = None

    def give_back(self, seat: Seat) -> None:
        if seat in self._taken:
            self.note(seat, None)
            del self._taken[seat]
            self._num_reserved -= seat.is_reserved

    def _has_room(self) -> bool:
        return len(self._taken) - self._num_reserved < self._most

    def _dismiss(self, seat: Seat) -> None:
        self.give_back(seat)
        seat.leave_now()


def _nothing() -> None:
    pass


def _yes() -> bool:
    return True
