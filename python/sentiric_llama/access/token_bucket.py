# SPDX-License-Identifier: AGPL-3.0-only
"""A token bucket: a store that fills up steadily, and that may be overdrawn."""

from __future__ import annotations

MINUTE_S = 60.0
_ROUNDING = 1e-9
"""What sums of fractions may lack."""


class TokenBucket:
    """Holds what one minute brings, at most. Times are monotonic seconds, given by the caller.

    Not for several threads.
    """

    def __init__(self, per_minute: int, now: float) -> None:
        """Full at first: a caller may use up its minute at once."""
        self.per_minute = per_minute
        self._level = float(per_minute)
        self._at = now

    def level(self, now: float) -> float:
        """What is in it; below zero is debt, which time pays back."""
        passed = max(now - self._at, 0.0)
        self._level = min(self._level + passed * self._rate, float(self.per_minute))
        self._at = max(now, self._at)
        return self._level

    def take(self, amount: float, now: float) -> None:
        """Takes out `amount`, also if there is less in it."""
        self._level = self.level(now) - amount

    def wait_s(self, wanted: float, now: float) -> float:
        """Seconds until `wanted` is in it; 0 if it is there."""
        lacking = wanted - self.level(now)
        return lacking / self._rate if lacking > _ROUNDING else 0.0

    def full_s(self, now: float) -> float:
        """Seconds until it is full."""
        return self.wait_s(self.per_minute, now)

    def resize(self, per_minute: int, now: float) -> None:
        """Another rate from now on. What was used stays used; a debt stays a debt."""
        used = self.per_minute - self.level(now)
        self.per_minute = per_minute
        self._level = float(per_minute) - used

    @property
    def _rate(self) -> float:
        return self.per_minute / MINUTE_S
