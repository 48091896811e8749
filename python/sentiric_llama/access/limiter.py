# SPDX-License-Identifier: AGPL-3.0-only
"""Holds every key to its limits, over all protocols together."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator

from sentiric_llama.access.caller import Caller
from sentiric_llama.access.limits import KeyUse, LimitReached, Rate

Refused = Callable[[str, str], None]
"""Told the name of the key and the limit that it has reached."""


class Place:
    """A call that runs for a key. Without limits it counts nothing."""

    def __init__(
        self, use: KeyUse | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._use = use
        self._charged = 0
        self._is_running = use is not None
        if use is not None:
            use.begin(clock())

    def charge(self, tokens: int) -> None:
        """Counts the tokens that the call has used in all so far."""
        if self._use is not None:
            self._use.charge(tokens - self._charged, self._clock())
        self._charged = tokens

    def leave(self) -> None:
        """Gives the place to the next call, which may arrive before this one has ended. Idempotent.

        A caller that waits for each answer sends its next request as soon as it has read one.
        """
        if self._is_running and self._use is not None:
            self._use.running -= 1
        self._is_running = False


class Limiter:
    """Knows only keys that have limits. Belongs to one event loop."""

    def __init__(
        self,
        on_refusal: Refused = lambda _name, _limit: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` never goes back."""
        self._on_refusal = on_refusal
        self.clock = clock
        self._uses: dict[str, KeyUse] = {}

    def check(self, caller: Caller) -> None:
        """Raises RateLimitExceeded if a call could not begin now. Uses up nothing.

        Lets protocols refuse a request before they read its body.
        """
        if caller.limits.are_set:
            self._checked(caller)

    @contextlib.contextmanager
    def hold(self, caller: Caller) -> Iterator[Place]:
        """Counts one call that runs until the block ends. Raises RateLimitExceeded."""
        use = self._checked(caller) if caller.limits.are_set else None
        place = Place(use, self.clock)
        try:
            yield place
        finally:
            place.leave()

    def rates(self, caller: Caller) -> list[Rate]:
        """What the key of the caller has left; [] for a key without rates."""
        return self._use(caller).rates(self.clock()) if caller.limits.are_set else []

    def keep(self, names: Collection[str]) -> None:
        """Forgets keys of other names. Calls of them that still run end as they would."""
        self._uses = {name: use for name, use in self._uses.items() if name in names}

    def _checked(self, caller: Caller) -> KeyUse:
        use = self._use(caller)
        try:
            use.check(self.clock())
        except LimitReached as error:
            self._on_refusal(caller.owner, error.limit)
            raise
        return use

    def _use(self, caller: Caller) -> KeyUse:
        now = self.clock()
        use = self._uses.get(caller.owner)
        if use is None:
            use = self._uses[caller.owner] = KeyUse(caller.owner, caller.limits, now)
        use.adopt(caller.limits, now)
        return use
