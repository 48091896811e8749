# SPDX-License-Identifier: AGPL-3.0-only
"""What an answer says: thoughts, text and calls of tools, in pieces or whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What the text of a piece is."""

    TEXT = "text"
    THOUGHT = "thought"
    CALL = "call"
    """The name of a tool: a call begins."""
    ARGUMENTS = "arguments"
    """A part of the JSON of the arguments of the last call."""
    MALFORMED = "malformed"
    """Why something that began as a call was left as text."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer. Pieces of one kind that follow one another are one text."""

    kind: Kind
    text: str


def join_pieces(pieces: list[Piece]) -> list[Piece]:
    """The same answer in as few pieces as possible, so that no two splits of it differ."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        is_text = piece.kind not in (Kind.CALL, Kind.MALFORMED)
        if is_text and not piece.text:
            continue
        if last is not None and is_text and last.kind == piece.kind:
            joined[-1] = Piece(last.kind, last.text + piece.text)
        else:
            joined.append(piece)
    return joined


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that the model wants to be called. `arguments` is JSON, as the model wrote it."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model thought, said and called."""

    text: str = ""
    thought: str = ""
    calls: tuple[Call, ...] = ()
    warnings: tuple[str, ...] = ()
    """Why something that began as a call was left as text."""

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> Answer:
        """All pieces of an answer, in order."""
        joined = join_pieces(list(pieces))
        return cls(
            text="".join(piece.text for piece in joined if piece.kind is Kind.TEXT),
            thought="".join(piece.text for piece in joined if piece.kind is Kind.THOUGHT),
            calls=tuple(_calls(joined)),
            warnings=tuple(piece.text for piece in joined if piece.kind is Kind.MALFORMED),
        )


def _calls(pieces: list[Piece]) -> list[Call]:
    calls: list[Call] = []
    for piece in pieces:
        if piece.kind is Kind.CALL:
            calls.append(Call(piece.text, ""))
        elif piece.kind is Kind.ARGUMENTS:
            calls[-1] = Call(calls[-1].name, calls[-1].arguments + piece.text)
    return calls
