# SPDX-License-Identifier: AGPL-3.0-only
"""A finished chat call."""

from __future__ import annotations

from dataclasses import dataclass

from sentiric_llama.service.chat_stream import ChatStream, Collector
from sentiric_llama.types import Completion, Timings, TruncationReport, Usage


@dataclass(frozen=True, slots=True)
class ChatResult:
    """A finished chat call: one completion per choice, totals over all of them."""

    model: str
    notice: str
    choices: tuple[Completion, ...]
    usage: Usage
    timings: Timings
    truncation: TruncationReport


async def collect(stream: ChatStream) -> ChatResult:
    """Reads a stream to its end."""
    collector = Collector(stream.num_choices)
    while not stream.done:
        collector.add(await stream.read())
    return ChatResult(
        model=stream.model,
        notice=stream.notice,
        choices=collector.completions(),
        usage=stream.usage,
        timings=stream.timings,
        truncation=stream.truncation,
    )
