# SPDX-License-Identifier: AGPL-3.0-only
"""Remembers what ended an engine process twice, so that it is refused for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

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
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._suspicions: OrderedDict[bytes, tuple[float, float]] = OrderedDict()
        """How many crashes were not followed by a trial, and until when that counts."""

    def __len__(self) -> int:
        return len(self._until)

    def add(self, asked: Identified) -> None:
        self._until[asked.fingerprint] = self._clock() + KEPT_S
        self._until.move_to_end(asked.fingerprint)
        while len(self._until) > MOST:
            self._until.popitem(last=False)

    def remember(self, asked: Identified, suspicions: float) -> None:
        """Keeps the suspicions of what left before it could be tried: its like inherits them."""
        self._suspicions[asked.fingerprint] = (suspicions, self._clock() + KEPT_S)
        self._suspicions.move_to_end(asked.fingerprint)
        while len(self._suspicions) > MOST:
            self._suspicions.popitem(last=False)

    def inherited(self, asked: Identified) -> float:
        """The suspicions that the like of it has left."""
        if not self._suspicions:  # the usual case, which costs nothing
            return 0
        suspicions, until = self._suspicions.get(asked.fingerprint, (0.0, 0.0))
        return suspicions if self._clock() < until else 0

    def clear(self, asked: Identified) -> None:
        """It has proved harmless."""
        if self._suspicions:
            self._suspicions.pop(asked.fingerprint, None)

    def check(self, asked: Identified) -> None:
        """Raises InternalError for what is kept out."""
        if not self._until:  # the usual case, which costs nothing
            return
        fingerprint = asked.fingerprint
        until = self._until.get(fingerprint, 0.0)
        if self._clock() < until:
            raise refusal()
        self._until.pop(fingerprint, None)


def refusal() -> InternalError:
    """The error of what ended the engine process twice."""
    return InternalError(
        "the engine process crashed twice while it worked on this request; it is rejected for "
        f"{KEPT_S / 60:.0f} minutes",
        where="engine",
    )
