# SPDX-License-Identifier: AGPL-3.0-only
"""Reads one answer while it is generated."""

from __future__ import annotations

from sentiric_llama.engine.formats.answer_format import AnswerFormat, AnswerPlan
from sentiric_llama.engine.formats.source import Source
from sentiric_llama.types.answer import Piece


class AnswerReader:
    """Turns the text of an answer into pieces. For one thread at a time.

    Any text can be read. What is found does not depend on how the text was split.
    """

    def __init__(self, form: AnswerFormat, plan: AnswerPlan) -> None:
        self._source = Source()
        self._found: list[Piece] = []
        self._reading = form.read(plan, self._source, self._found.append)
        self._is_over = False

    def feed(self, text: str) -> list[Piece]:
        """What is certain after this further text."""
        self._source.feed(text)
        return self._advance() if text else []

    def end(self, *, was_cut: bool = False) -> list[Piece]:
        """The rest: the text has ended. `was_cut`: in the middle, so marks may be incomplete."""
        self._source.has_ended, self._source.was_cut = True, was_cut
        return self._advance()

    def _advance(self) -> list[Piece]:
        if not self._is_over:
            try:
                next(self._reading)
            except StopIteration:
                self._is_over = True
        found, self._found[:] = list(self._found), []
        return found
