# SPDX-License-Identifier: AGPL-3.0-only
"""Running calls by request id, so that callers can cancel them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.errors import Cancelled
from sentiric_llama.log.trace import CURRENT_TRACE
from sentiric_llama.service.chat_stream import ChatStream


class RunningCalls:
    """Callers choose the ids: an id may name several calls, and belongs to one key."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str | None], set[ChatStream]] = {}

    @contextlib.contextmanager
    def entry(self, stream: ChatStream) -> Iterator[None]:
        """Registers the stream under the current request id until the block ends."""
        key = (CURRENT_CALLER.get().owner, CURRENT_TRACE.get().request_id)
        self._streams.setdefault(key, set()).add(stream)
        try:
            yield
        finally:
            self._streams[key].discard(stream)
            if not self._streams[key]:
                del self._streams[key]

    def cancel(self, request_id: str) -> int:
        """Ends the current key's calls with this id. Returns how many there were."""
        found = list(self._streams.get((CURRENT_CALLER.get().owner, request_id), ()))
        for stream in found:
            stream.end(Cancelled("cancelled by request id", where="request"))
        return len(found)
