# SPDX-License-Identifier: AGPL-3.0-only
"""Remembers what ended an engine process twice, so that it is refused for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from sentiric_llama.engine.process.live_request import MAX_SUSPICIONS
from sentiric_llama.errors import InternalError

KEPT_S = 600.0
MOST = 256


class Identified(Protocol):
    """A request or a call."""

    @property
    def fingerprint(self) -> bytes:
        """The same for all that ask the same, whoever asks."""
        ...


class Quarantine:
    """Keeps hashes only: what was asked cannot be read from them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives the time in seconds."""
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, float]] = OrderedDict()
        """Suspicions, and until when they count."""

    def __len__(self) -> int:
        return len(self._known)

    def add(self, asked: Identified) -> None:
        """Keeps the like of it out."""
        self.remember(asked, MAX_SUSPICIONS)

    def remember(self, asked: Identified, suspicions: float) -> None:
        """The like of it inherits these suspicions: it left before it could be tried."""
        self._known[asked.fingerprint] = (suspicions, self._clock() + KEPT_S)
        self._known.move_to_end(asked.fingerprint)
        while len(self._known) > MOST:
            self._known.popitem(last=False)

    def suspicions_of(self, asked: Identified) -> float:
        """What the like of it has left."""
        if not self._known:  # the usual case, which costs nothing
            return 0
        fingerprint = asked.fingerprint
        suspicions, until = self._known.get(fingerprint, (0.0, 0.0))
        if self._clock() < until:
            return suspicions
        self._known.pop(fingerprint, None)
        return 0

    def check(self, asked: Identified) -> None:
        """Raises InternalError for what is kept out."""
        if self.suspicions_of(asked) >= MAX_SUSPICIONS:
            raise refusal()

    def clear(self, asked: Identified) -> None:
        """It has proved harmless. What is kept out stays out."""
        if 0 < self.suspicions_of(asked) < MAX_SUSPICIONS:
            del self._known[asked.fingerprint]


def refusal() -> InternalError:
    """The error of what ended the engine process twice."""
    return InternalError(
        "the engine process crashed twice while it worked on this request; it is rejected for "
        f"{KEPT_S / 60:.0f} minutes",
        where="engine",
    )
