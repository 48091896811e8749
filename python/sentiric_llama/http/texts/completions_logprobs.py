# SPDX-License-Identifier: AGPL-3.0-only
"""Log-probabilities in the form of OpenAI's older API, of the prompt and of the answer."""

from __future__ import annotations

import codecs
import math
from collections.abc import Sequence
from typing import Any

from sentiric_llama.types import ChosenLogprob, TokenLogprob

_LOWEST = -9999.0


class LogprobWriter:
    """Writes the entries of one choice, and where in its text each token begins."""

    def __init__(self, prompt: str) -> None:
        """`prompt` is what the text begins with."""
        self._prompt = prompt
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._at = 0
        self._has_text = self._has_answer = False

    def body(
        self, prompt: Sequence[ChosenLogprob], answer: Sequence[ChosenLogprob]
    ) -> dict[str, Any]:
        """The entries of tokens of the prompt, then of the answer."""
        offsets = [self._prompt_offset(entry) for entry in prompt]
        if answer and not self._has_answer:
            self._has_answer, self._at = True, len(self._prompt)
        offsets += [self._offset(entry) for entry in answer]
        entries = (*prompt, *answer)
        return {
            "tokens": [_text(entry.chosen) for entry in entries],
            "token_logprobs": [_number(entry.chosen) for entry in entries],
            "top_logprobs": (_top(entry) for entry in entries),
            "text_offset": offsets,
        }

    def _prompt_offset(self, entry: ChosenLogprob) -> int:
        """Some tokenizers put a space before a text, which the text itself does not have."""
        piece = _text(entry.chosen)
        if piece and not self._has_text:
            self._has_text = True
            self._at -= piece.startswith(" ") and not self._prompt.startswith(" ")
        return self._offset(entry)

    def _offset(self, entry: ChosenLogprob) -> int:
        offset = max(0, self._at)
        self._at += len(self._decoder.decode(entry.chosen.piece))
        return offset


def _text(value: TokenLogprob) -> str:
    return value.piece.decode("utf-8", "replace")


def _number(value: TokenLogprob) -> float | None:
    return None if math.isnan(value.logprob) else max(value.logprob, _LOWEST)


def _top(entry: ChosenLogprob) -> dict[str, float] | None:
    """The likeliest tokens, and the one that came. Of tokens with one text the likelier counts."""
    if math.isnan(entry.chosen.logprob):
        return None
    found: dict[str, float] = {}
    for each in (*entry.top, entry.chosen):
        found.setdefault(_text(each), max(each.logprob, _LOWEST))
    return found
