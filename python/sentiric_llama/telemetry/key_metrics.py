# SPDX-License-Identifier: AGPL-3.0-only
"""Counts requests and refusals by the name of their key. Never holds a key."""

from __future__ import annotations

from collections import Counter

MAX_NAMES = 256
"""Names with numbers of their own: each is a series for ever, and a file may hold many keys."""
OTHERS = "(other)"
"""Of the keys beyond that. No key can have this name."""
MODEL = "model"
"""Reason of a refusal: the key may not use the model. The others are limits."""


class KeyMetrics:
    """Counters of one service, for one event loop. Requests without a key do not count."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        """Name of the key, outcome -> requests that began and ended."""
        self.refusals: Counter[tuple[str, str]] = Counter()
        """Name of the key, reason -> requests that were refused because of it."""
        self._names: set[str] = set()

    def note_end(self, name: str, outcome: str) -> None:
        """Counts a request that ended."""
        if name:
            self.requests[self._shown(name), outcome] += 1

    def note_refusal(self, name: str, reason: str) -> None:
        """Counts a request that a limit or a right of its key refused."""
        if name:
            self.refusals[self._shown(name), reason] += 1

    def _shown(self, name: str) -> str:
        if name not in self._names:
            if len(self._names) >= MAX_NAMES:
                return OTHERS
            self._names.add(name)
        return name
