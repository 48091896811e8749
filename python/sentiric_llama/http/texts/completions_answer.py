# SPDX-License-Identifier: AGPL-3.0-only
"""The answers of `/v1/completions`, for the OpenAPI document."""

from __future__ import annotations

from typing import Literal

from sentiric_llama.http.schemas.answer import Answer
from sentiric_llama.http.schemas.chat_answer import Timings, Usage
from sentiric_llama.types import TruncationReport
from sentiric_llama.types.result import Ending


class TextLogprobs(Answer):
    """One entry per token, with `echo` of the prompt first, whose first token has none.

    `text_offset` counts characters from the beginning of the text.
    """

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class TextChoice(Answer):
    """A text. In a stream, what is added to it."""

    index: int
    text: str
    logprobs: TextLogprobs | None
    finish_reason: Ending | None
    unfinished: Literal[True] | None = None
    tokens: list[int] | None = None


class TextCompletion(Answer):
    """The texts, or the data of one event of a stream, whose last one has the totals."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[TextChoice]
    usage: Usage | None = None
    timings: Timings | None = None
    truncation: TruncationReport | None = None
    notice: str | None = None
