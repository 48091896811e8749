# SPDX-License-Identifier: AGPL-3.0-only
"""One answer while it is generated: its pieces, and how it ended."""

from __future__ import annotations

import json

from sentiric_llama.engine.formats.reader import AnswerReader
from sentiric_llama.types import Delta, Final
from sentiric_llama.types.answer import Kind, Piece
from sentiric_llama.types.result import Ending


class ChoiceReading:
    """Reads the deltas of one answer, in order."""

    def __init__(self, reader: AnswerReader | None) -> None:
        """Without a reader all of it is text."""
        self._reader = reader
        self._last_call: list[str] | None = None
        """The arguments of the last call so far."""

    def read(self, delta: Delta) -> list[Piece]:
        """The pieces that are certain now."""
        if self._reader is None:
            return [Piece(Kind.TEXT, delta.text)] if delta.text else []
        pieces = self._reader.feed(delta.text)
        if delta.final is not None:
            pieces += self._reader.end(was_cut=delta.final.finish_reason != "stop")
        for piece in pieces:
            if piece.kind is Kind.CALL:
                self._last_call = []
            elif piece.kind is Kind.ARGUMENTS and self._last_call is not None:
                self._last_call.append(piece.text)
        return pieces

    def ending(self, final: Final | None) -> Ending | None:
        """Nobody may make a call that was cut."""
        if final is None:
            return None
        if self._last_call is None or final.finish_reason != "stop":
            return final.finish_reason
        return "tool_calls" if _is_object("".join(self._last_call)) else "length"


def _is_object(text: str) -> bool:
    """Whether it is a whole JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
