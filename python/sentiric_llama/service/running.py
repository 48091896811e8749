# SPDX-License-Identifier: AGPL-3.0-only
"""Running calls by id, so that callers can cancel them over any protocol."""

from __future__ import annotations

import contextlib
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.errors import Cancelled
from sentiric_llama.log.trace import CURRENT_TRACE
from sentiric_llama.service.chat_stream import ChatStream

MOST_REMEMBERED = 1024
"""Cancelled calls of all keys together; the oldest are forgotten first."""

_ANSWER_ID = re.compile(r"[a-z]{1,16}[-_]([0-9a-f]{32})", re.ASCII)
_Key = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class CancelledCall:
    """What a call was doing when it was cancelled."""

    phase: Literal["waiting", "answering"]
    tokens: int


class RunningCalls:
    """Callers choose request ids: one may name several calls, and belongs to one key.

    A call has the id of its answer, too.
    """

    def __init__(self) -> None:
        self._streams: dict[_Key, set[ChatStream]] = {}
        self._cancelled: OrderedDict[_Key, list[CancelledCall]] = OrderedDict()

    @contextlib.contextmanager
    def entry(self, stream: ChatStream) -> Iterator[None]:
        """Registers the stream under its ids until the block ends."""
        owner = CURRENT_CALLER.get().owner
        keys = {(owner, CURRENT_TRACE.get().request_id), (owner, stream.answer_id)}
        for key in keys:
            self._streams.setdefault(key, set()).add(stream)
        try:
            yield
        finally:
            for key in keys:
                self._streams[key].discard(stream)
                if not self._streams[key]:
                    del self._streams[key]

    def cancel(self, given_id: str) -> list[CancelledCall]:
        """Ends the current key's calls with this id: a request's, or that of an answer.

        Returns what each was doing, [] if there are none.
        """
        key = self._key(given_id)
        found = [stream for stream in self._streams.get(key, ()) if not stream.done]
        ended = [CancelledCall(stream.phase, stream.num_tokens) for stream in found]
        for stream in found:
            stream.end(Cancelled("cancelled by request id", where="request"))
        if ended:
            self._cancelled[key] = ended
            self._cancelled.move_to_end(key)
            while len(self._cancelled) > MOST_REMEMBERED:
                self._cancelled.popitem(last=False)
        return ended

    def cancelled(self, given_id: str) -> list[CancelledCall]:
        """What the current key's calls with this id were doing when they were last cancelled."""
        return self._cancelled.get(self._key(given_id), [])

    def _key(self, given_id: str) -> _Key:
        """The id as it was registered: an answer's without the prefix of its protocol."""
        key = (CURRENT_CALLER.get().owner, given_id)
        if key in self._streams or not (answer := _ANSWER_ID.fullmatch(given_id)):
            return key
        return (key[0], answer[1])
