# SPDX-License-Identifier: AGPL-3.0-only
"""The whole answer to a chat call."""

from __future__ import annotations

from dataclasses import dataclass

from sentiric_llama.service.chat_stream import ChatStream
from sentiric_llama.types import Completion, Delta, Timings, TruncationReport, Usage


@dataclass(frozen=True, slots=True)
class ChatResult:
    """A finished chat call: one completion per choice, and totals over all of them."""

    model: str
    notice: str
    choices: tuple[Completion, ...]
    usage: Usage
    timings: Timings
    truncation: TruncationReport


async def collect(stream: ChatStream) -> ChatResult:
    """Reads a stream to its end."""
    deltas: list[list[Delta]] = [[] for _ in range(stream.num_choices)]
    while not stream.done:
        for item in await stream.read():
            deltas[item.index].append(item.delta)
    return ChatResult(
        model=stream.model,
        notice=stream.notice,
        choices=tuple(map(Completion.join, deltas)),
        usage=stream.usage,
        timings=stream.timings,
        truncation=stream.truncation,
    )
