# SPDX-License-Identifier: AGPL-3.0-only
"""Limits each API key's share of the queue, so that one busy key cannot fill it.

The engine serves queued requests fairly, but a full queue refuses requests of every key.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from sentiric_llama.access.caller import Caller
from sentiric_llama.errors import Overloaded

PER_CONTEXT = 4
"""Places in the queue per context if QUEUE_LIMIT is 0."""


class QueueShare:
    """Counts running and queued requests per key. Belongs to one event loop."""

    def __init__(self) -> None:
        self._held = Counter[str]()

    @contextlib.contextmanager
    def hold(self, caller: Caller, count: int, contexts: int, queue_limit: int) -> Iterator[None]:
        """Takes `count` places until the block ends. One of several keys gets at most 3/4 of all.

        Raises Overloaded.
        """
        most = max(1, 3 * (contexts + (queue_limit or PER_CONTEXT * contexts)) // 4)
        share = caller.share
        if caller.is_apart and self._held[share] and self._held[share] + count > most:
            raise Overloaded(
                "this key has too many running and queued requests; "
                f"got {self._held[share] + count}, allowed {most}",
                where="queue",
            )
        self._held[share] += count
        try:
            yield
        finally:
            self._held[share] -= count
            if not self._held[share]:
                del self._held[share]
