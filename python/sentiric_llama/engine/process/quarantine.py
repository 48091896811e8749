# SPDX-License-Identifier: AGPL-3.0-only
"""Remembers requests that ended an engine process twice, so that they are refused for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Protocol

from sentiric_llama.errors import InternalError

KEPT_S = 600.0
MOST = 256


class Suspect(Protocol):
    """A request or a call."""

    @property
    def fingerprint(self) -> bytes:
        """A hash of what it asks for."""
        ...


class Quarantine:
    """Keeps hashes only: what was asked cannot be read from them."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def add(self, request: Suspect) -> None:
        self._until[request.fingerprint] = time.monotonic() + KEPT_S
        while len(self._until) > MOST:
            self._until.popitem(last=False)

    def check(self, request: Suspect) -> None:
        """Raises InternalError for a request that is kept out."""
        if not self._until:  # the usual case, which costs nothing
            return
        fingerprint = request.fingerprint
        until = self._until.get(fingerprint, 0.0)
        if time.monotonic() < until:
            raise refusal()
        self._until.pop(fingerprint, None)


def refusal() -> InternalError:
    """The error of a request that ended the engine process twice."""
    return InternalError(
        "the engine process ended twice while it worked on this request; it is refused for "
        f"{KEPT_S / 60:.0f} minutes",
        where="engine",
    )
