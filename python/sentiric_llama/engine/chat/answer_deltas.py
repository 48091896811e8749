# SPDX-License-Identifier: AGPL-3.0-only
"""From the deltas of an engine to those of an answer."""

from __future__ import annotations

import secrets
from dataclasses import fields

from sentiric_llama.engine.chat.choice_reading import ChoiceReading
from sentiric_llama.engine.formats.reader import AnswerReader
from sentiric_llama.types import Delta
from sentiric_llama.types.answer import Kind, Piece
from sentiric_llama.types.chat import ChatDelta, ToolCallDelta

_PLAIN = tuple(field.name for field in fields(Delta))


class AnswerDeltas:
    """Reads the deltas of one answer, in order. Numbers its calls."""

    def __init__(self, reader: AnswerReader | None) -> None:
        self._reading = ChoiceReading(reader)
        self._num_calls = 0

    def read(self, delta: Delta) -> ChatDelta:
        """The same delta, and what it says."""
        pieces = self._reading.read(delta)
        calls = [self._call(piece) for piece in pieces]
        return ChatDelta(
            **{name: getattr(delta, name) for name in _PLAIN},
            content=_text(pieces, Kind.TEXT),
            reasoning_content=_text(pieces, Kind.THOUGHT),
            tool_calls=tuple(call for call in calls if call is not None),
            warnings=tuple(piece.text for piece in pieces if piece.kind is Kind.MALFORMED),
            finish_reason=self._reading.ending(delta.final),
        )

    def _call(self, piece: Piece) -> ToolCallDelta | None:
        if piece.kind is Kind.ARGUMENTS:
            return ToolCallDelta(self._num_calls - 1, arguments=piece.text)
        if piece.kind is not Kind.CALL:
            return None
        self._num_calls += 1
        return ToolCallDelta(self._num_calls - 1, f"call_{secrets.token_hex(12)}", piece.text)


def _text(pieces: list[Piece], kind: Kind) -> str:
    return "".join(piece.text for piece in pieces if piece.kind is kind)
