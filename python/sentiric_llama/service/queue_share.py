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
from sentiric_llama.types.queue import queue_places, room_ms


class QueueShare:
    """Counts running and queued requests per key. Belongs to one event loop."""

    def __init__(self) -> None:
        self._held = Counter[str]()

    @contextlib.contextmanager
    def hold(
        self, caller: Caller, count: int, contexts: int, queue_limit: int, hold_ms: float = 0.0
    ) -> Iterator[None]:
        """Takes `count` places until the block ends. One of several keys gets at most 3/4 of all.

        `hold_ms` is how long requests have kept a context lately. Raises Overloaded.
        """
        most = max(1, 3 * (contexts + queue_places(queue_limit, contexts)) // 4)
        share = caller.share
        if caller.is_apart and self._held[share] and self._held[share] + count > most:
            error = Overloaded(
                "this key has too many running and queued requests; "
                f"got {self._held[share] + count}, allowed {most}",
                where="queue",
            )
            error.retry_ms = room_ms(most - contexts, hold_ms, contexts)
            raise error
        self._held[share] += count
        try:
            yield
        finally:
            self._held[share] -= count
            if not self._held[share]:
                del self._held[share]
