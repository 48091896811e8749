# SPDX-License-Identifier: AGPL-3.0-only
"""One limit over all request bodies in memory, whatever protocol brought them.

Bytes count when they have arrived, not when they are announced, and until their request is
answered: what was made of a body lives as long. The first 64 KiB of each are free, so that small
requests pass while large bodies hold all there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FREE_BYTES = 64 * 1024
WHOLE_BODIES = 8
"""Bodies of the largest size that are in memory at once."""
UNDISTURBED_S = 2.0
"""A body that is longer on its way may have to make room for others."""


class BodyBudget:
    """Bytes that large bodies may hold together. Works on one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used = 0
        self.arriving: dict[BodyShare, float] = {}
        """Large bodies that are not complete, the oldest first, with the time of their begin."""

    def make_room(self, count: int) -> bool:
        """False when there is none, even without those that have been on their way for too long."""
        while self.used + count > self.max_bytes:
            share = next(iter(self.arriving), None)
            if share is None or time.monotonic() - self.arriving[share] < UNDISTURBED_S:
                return False
            share.close()
            share.cut()
        return True


class BodyShare:
    """What one body holds of the budget. To be closed on every path."""

    def __init__(self, budget: BodyBudget, cut: Callable[[], None] = lambda: None) -> None:
        """`cut` ends the body when others need its room; it does not close the share."""
        self.cut = cut
        self.held = 0
        self._budget = budget
        self._num_bytes = 0

    def add(self, count: int) -> bool:
        """Counts bytes that arrived; False when there is no room for them."""
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
        """All of it is there: from now on it is never cut."""
        self._budget.arriving.pop(self, None)

    def close(self) -> None:
        """Gives everything back. Idempotent."""
        self.complete()
        self._budget.used -= self.held
        self.held = 0
