# SPDX-License-Identifier: AGPL-3.0-only
"""The calls that run now, found by the id that their callers know."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.errors import Cancelled
from sentiric_llama.log.trace import CURRENT_TRACE
from sentiric_llama.service.chat_stream import ChatStream


class RunningCalls:
    """Ids are the callers' own: one id may name several calls, and belongs to one key."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str | None], set[ChatStream]] = {}

    @contextlib.contextmanager
    def entry(self, stream: ChatStream) -> Iterator[None]:
        """Keeps the stream under the current request id while the block runs."""
        key = (CURRENT_CALLER.get().owner, CURRENT_TRACE.get().request_id)
        self._streams.setdefault(key, set()).add(stream)
        try:
            yield
        finally:
            self._streams[key].discard(stream)
            if not self._streams[key]:
                del self._streams[key]

    def cancel(self, request_id: str) -> int:
        """Ends the current key's calls of this id with Cancelled. Returns how many ran."""
        found = list(self._streams.get((CURRENT_CALLER.get().owner, request_id), ()))
        for stream in found:
            stream.end(Cancelled("cancelled by request id", where="request"))
        return len(found)
