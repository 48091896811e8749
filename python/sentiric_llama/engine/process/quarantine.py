# SPDX-License-Identifier: AGPL-3.0-only
"""What is blamed for crashes: remembered for a while, and kept out once there is proof."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sentiric_llama.errors import InternalError

KEPT_S = 600.0
MOST = 256
MAX_SUSPICIONS = 2
"""Crashes after which it is refused, if it was the only suspect of one."""
MAX_AMONG = 3
"""Crashes after which a request ends though it never was the only suspect."""


@dataclass(frozen=True, slots=True)
class Blame:
    alone: int = 0
    """Crashes of which it is the only suspect."""
    among: int = 0
    """Crashes of which it is one of several."""

    def __bool__(self) -> bool:
        return self.alone + self.among > 0

    def after(self, num_suspects: int) -> Blame:
        """With one more crash, which has so many suspects."""
        if num_suspects == 1:
            return Blame(self.alone + 1, self.among)
        return Blame(self.alone, self.among + 1)

    def settled(self) -> Blame:
        """The other suspects of the last crash are cleared."""
        return Blame(self.alone + 1, self.among - 1)

    @property
    def is_proof(self) -> bool:
        """Crashes among others prove nothing: somebody else may be in all of them."""
        return self.alone > 0 and self.alone + self.among >= MAX_SUSPICIONS

    @property
    def is_enough(self) -> bool:
        """True if the request must end. Its like may still be asked, unless there is proof."""
        return self.is_proof or self.among >= MAX_AMONG

    @property
    def inherited(self) -> Blame:
        """What the like of it begins with: what anybody can arrange must not end it soon."""
        return Blame(self.alone, min(self.among, 1))


NO_BLAME = Blame()
CULPRIT = Blame(alone=MAX_SUSPICIONS)


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
        self._known: OrderedDict[bytes, tuple[Blame, float]] = OrderedDict()
        """What each is blamed for, and until when that counts."""

    def __len__(self) -> int:
        return len(self._known)

    def add(self, asked: Identified) -> None:
        """Keeps the like of it out."""
        self.remember(asked, CULPRIT)

    def remember(self, asked: Identified, blame: Blame) -> None:
        """The like of it inherits this blame: it left before it could be tried."""
        self._known[asked.fingerprint] = (blame.inherited, self._clock() + KEPT_S)
        self._known.move_to_end(asked.fingerprint)
        while len(self._known) > MOST:
            self._known.popitem(last=False)

    def blame_of(self, asked: Identified) -> Blame:
        """What the like of it has left."""
        if not self._known:  # the usual case, which costs nothing
            return NO_BLAME
        fingerprint = asked.fingerprint
        blame, until = self._known.get(fingerprint, (NO_BLAME, 0.0))
        if self._clock() < until:
            return blame
        self._known.pop(fingerprint, None)
        return NO_BLAME

    def check(self, asked: Identified) -> Blame:
        """What the like of it has left. Raises InternalError for what is kept out."""
        blame = self.blame_of(asked)
        if blame.is_proof:
            raise refusal()
        return blame

    def clear(self, asked: Identified) -> None:
        """It has proved harmless. What is kept out stays out."""
        blame = self.blame_of(asked)
        if blame and not blame.is_proof:
            del self._known[asked.fingerprint]


def refusal() -> InternalError:
    """The error of what ended the engine process twice."""
    error = InternalError(
        "the engine process crashed twice while it worked on this request; it is rejected for "
        f"{KEPT_S / 60:.0f} minutes",
        where="engine",
    )
    error.is_final = True
    return error
