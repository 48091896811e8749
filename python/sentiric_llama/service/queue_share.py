# SPDX-License-Identifier: AGPL-3.0-only
"""Room for the other keys: one that asks again at once would hold every place of the queue.

The engine serves those who wait in fair turns, but whoever comes to a full queue is refused.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from sentiric_llama.access.caller import Caller
from sentiric_llama.errors import Overloaded

PER_CONTEXT = 4
"""Places of the queue for each context where QUEUE_LIMIT is 0."""


class QueueShare:
    """Requests that run or wait, by key. Works on one event loop."""

    def __init__(self) -> None:
        self._held = Counter[str]()

    @contextlib.contextmanager
    def hold(self, caller: Caller, count: int, contexts: int, queue_limit: int) -> Iterator[None]:
        """`count` places of all as long as the block lasts; one of several keys has 3/4 at most.

        Raises Overloaded.
        """
        most = max(1, 3 * (contexts + (queue_limit or PER_CONTEXT * contexts)) // 4)
        share = caller.share
        if caller.is_apart and self._held[share] and self._held[share] + count > most:
            raise Overloaded(
                f"too many requests of this key run and wait; got {self._held[share] + count}, "
                f"allowed {most}",
                where="queue",
            )
        self._held[share] += count
        try:
            yield
        finally:
            self._held[share] -= count
            if not self._held[share]:
                del self._held[share]
