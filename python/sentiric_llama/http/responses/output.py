# SPDX-License-Identifier: AGPL-3.0-only
"""The output of a response: from the pieces of an answer to items and events."""

from __future__ import annotations

from typing import Any

from sentiric_llama.http.responses.output_items import (
    CustomItem,
    Event,
    FunctionItem,
    OpenItem,
    Status,
    SummaryItem,
    TextItem,
    ThoughtForm,
    ThoughtItem,
)
from sentiric_llama.http.responses.tool_table import KnownTool, ToolTable
from sentiric_llama.http.shapes import logprobs_json
from sentiric_llama.http.stepped_json import LONG
from sentiric_llama.service.chat_stream import ChoiceDelta
from sentiric_llama.types import Delta, Tool
from sentiric_llama.types.answer import Kind, Piece

_PLAIN = ThoughtForm()
_ITEMS: dict[Kind, type[TextItem] | type[ThoughtItem]] = {
    Kind.TEXT: TextItem,
    Kind.THOUGHT: ThoughtItem,
}


class _Tokens:
    """Log-probabilities of tokens whose text has not come yet: it may lag behind them."""

    def __init__(self) -> None:
        self._waiting: list[dict[str, Any]] = []
        self.count = 0
        """How many have come, with those beside them."""

    def add(self, delta: Delta) -> None:
        self.count += sum(len(entry.top) + 1 for entry in delta.logprobs)
        self._waiting += logprobs_json(delta.logprobs)["content"]

    def take(self, text: str) -> list[dict[str, Any]]:
        """Those of this text. Marks in front of it have none; all, if it was changed."""
        pieces = [bytes(token["bytes"]) for token in self._waiting]
        begin = b"".join(pieces).rfind(text.encode())
        if begin < 0:
            return self._pass(0, len(pieces))
        end, place, inside = begin + len(text.encode()), 0, []
        for index, piece in enumerate(pieces):
            if place < end and place + len(piece) > begin:
                inside.append(index)
            place += len(piece)
        return self._pass(inside[0], inside[-1] + 1)

    def _pass(self, begin: int, end: int) -> list[dict[str, Any]]:
        found, self._waiting = self._waiting[begin:end], self._waiting[end:]
        return found


class Output:
    """Takes an answer apart into items. A streamed one says in events what happens."""

    def __init__(self, tools: ToolTable, *, logprobs: bool, thoughts: ThoughtForm = _PLAIN) -> None:
        self.warnings: list[str] = []
        """Why something that began as a call is text."""
        self._tools = tools
        self._has_logprobs = logprobs
        self._thoughts = thoughts
        self._done: list[dict[str, Any]] = []
        self._open: OpenItem | None = None
        self._tokens = _Tokens()

    @property
    def is_long(self) -> bool:
        """Whether writing all of it would hold up the event loop."""
        return self._tokens.count > LONG

    def take(self, item: ChoiceDelta) -> list[Event]:
        """The events of a delta."""
        if self._has_logprobs:
            self._tokens.add(item.delta)
        return [event for piece in item.pieces for event in self._piece(piece)]

    def end(self, status: Status) -> list[Event]:
        """The events of the end. There is always an item: an empty message if nothing was said."""
        events = [] if self._done or self._open else self._begin(TextItem(0))
        return events + self._close(status)

    @property
    def items(self) -> list[dict[str, Any]]:
        """All items. One that has not ended is incomplete."""
        return [*self._done, *([self._open.json("incomplete")] if self._open else [])]

    def _piece(self, piece: Piece) -> list[Event]:
        match piece.kind:
            case Kind.MALFORMED:
                self.warnings.append(piece.text)
                return []
            case Kind.CALL:
                return self._close("completed") + self._begin(self._call(piece.text))
            case Kind.ARGUMENTS:
                return self._put(piece.text)
        if not piece.text:
            return []
        kind, events = _ITEMS[piece.kind], []
        if not isinstance(self._open, kind):
            events = self._close("completed")
            events += self._begin(self._written(piece.kind))
        return events + self._put(piece.text)

    def _written(self, kind: Kind) -> OpenItem:
        """The item that a text or a thought begins."""
        index, form = len(self._done), self._thoughts
        if kind is Kind.TEXT:
            return TextItem(index)
        thought = SummaryItem if form.as_summary else ThoughtItem
        return thought(index, is_sealed=form.is_sealed)

    def _call(self, name: str) -> OpenItem:
        tool = self._tools.by_name.get(name) or KnownTool(Tool(name), name)
        kind = CustomItem if tool.is_custom else FunctionItem
        return kind(len(self._done), tool)

    def _begin(self, item: OpenItem) -> list[Event]:
        self._open = item
        return item.begin()

    def _put(self, text: str) -> list[Event]:
        if self._open is None or not text:
            return []
        return self._open.put(text, self._tokens.take(text))

    def _close(self, status: Status) -> list[Event]:
        if self._open is None:
            return []
        events = self._open.end(status)
        self._done.append(self._open.json(status))
        self._open = None
        return events
