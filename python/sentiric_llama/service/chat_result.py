# SPDX-License-Identifier: AGPL-3.0-only
"""The whole answer to a chat call."""

from __future__ import annotations

from dataclasses import dataclass

from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta
from sentiric_llama.types import Completion, Timings, TruncationReport, Usage
from sentiric_llama.types.answer import Answer, Piece
from sentiric_llama.types.result import Ending


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer: as it was generated, and what it says."""

    completion: Completion
    answer: Answer
    ending: Ending

    @property
    def text(self) -> str:
        """What it says, without thoughts and calls."""
        return self.answer.text


@dataclass(frozen=True, slots=True)
class ChatResult:
    """A finished chat call: its choices, and totals over all of them."""

    model: str
    notice: str
    choices: tuple[Choice, ...]
    usage: Usage
    timings: Timings
    truncation: TruncationReport


async def collect(stream: ChatStream) -> ChatResult:
    """Reads a stream to its end."""
    items: list[list[ChoiceDelta]] = [[] for _ in range(stream.num_choices)]
    while not stream.done:
        for item in await stream.read():
            items[item.index].append(item)
    return ChatResult(
        model=stream.model,
        notice=stream.notice,
        choices=tuple(map(_choice, items)),
        usage=stream.usage,
        timings=stream.timings,
        truncation=stream.truncation,
    )


def _choice(items: list[ChoiceDelta]) -> Choice:
    completion = Completion.join([item.delta for item in items])
    pieces: list[Piece] = [piece for item in items for piece in item.pieces]
    ending = items[-1].ending or completion.finish_reason
    return Choice(completion, Answer.of(pieces), ending)
