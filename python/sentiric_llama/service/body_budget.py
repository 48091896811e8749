# SPDX-License-Identifier: AGPL-3.0-only
"""One limit on all request bodies in memory, over every protocol.

Bytes count from their arrival, not from their announcement, until the request is answered, because
the values parsed from a body live as long. The first 64 KiB of each body are free, so that small
requests pass even when large bodies use up the budget.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FREE_BYTES = 64 * 1024
WHOLE_BODIES = 8
"""How many bodies of the maximum size fit into memory at once."""
UNDISTURBED_S = 2.0
"""A body that takes longer to arrive may be cut to make room for others."""


class BodyBudget:
    """The bytes that all large bodies may hold together. Belongs to one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used = 0
        self.arriving: dict[BodyShare, float] = {}
        """Incomplete large bodies and when they began, the oldest first."""

    def make_room(self, count: int) -> bool:
        """Cuts bodies that take too long until `count` bytes fit. False if they still do not."""
        while self.used + count > self.max_bytes:
            share = next(iter(self.arriving), None)
            if share is None or time.monotonic() - self.arriving[share] < UNDISTURBED_S:
                return False
            share.close()
            share.cut()
        return True


class BodyShare:
    """One body's share of the budget. Must be closed on every path."""

    def __init__(self, budget: BodyBudget, cut: Callable[[], None] = lambda: None) -> None:
        """`cut` ends the body when others need its bytes; it must not close the share."""
        self.cut = cut
        self.held = 0
        self._budget = budget
        self._num_bytes = 0

    def add(self, count: int) -> bool:
        """Counts bytes that arrived. False if they exceed the budget."""
        self._num_bytes += count
        more = max(self._num_bytes - FREE_BYTES, 0) - self.held
        if more <= 0:
            return True
        if not self._budget.make_room(more):
            return False
        self.held += more
        self._budget.used += more
        self._budget.arriving.setdefault(self, time.monotonic())
        return True

    def complete(self) -> None:
        """Marks the body as complete: it is never cut from now on."""
        self._budget.arriving.pop(self, None)

    def close(self) -> None:
        """Returns the share to the budget. Idempotent."""
        self.complete()
        self._budget.used -= self.held
        self.held = 0
