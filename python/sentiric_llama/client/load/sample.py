# SPDX-License-Identifier: AGPL-3.0-only
"""One request of a measurement, timed here, counted by the model."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, cast

from sentiric_llama.client.chat_client import ChatClient, GenerationOptions
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.types import Usage


@dataclass(frozen=True, slots=True)
class Sample:
    """Times in seconds on the client's clock; `started` counts from the start of the run."""

    started: float
    ttft_s: float = 0.0
    total_s: float = 0.0
    usage: Usage = field(default_factory=Usage)
    error: str = ""

    @property
    def tpot_s(self) -> float:
        """Time per output token after the first."""
        steps = self.usage.completion_tokens - 1
        return (self.total_s - self.ttft_s) / steps if steps > 0 else 0.0


def take(client: ChatClient, prompt: str, options: GenerationOptions, since: float) -> Sample:
    """Sends one request and reads it to its end. An error is a result, too."""
    begun = time.perf_counter()
    first = 0.0
    usage = Usage()
    try:
        turns = [{"role": "user", "content": prompt}]
        with closing(cast(Any, client.answer(turns, options))) as stream:
            for delta in stream:
                if (delta.text or delta.reasoning_content) and not first:
                    first = time.perf_counter()
                if delta.final is not None:
                    usage = delta.final.usage
    except SentiricLlamaError as error:
        return Sample(begun - since, error=error.code.value)
    end = time.perf_counter()
    return Sample(begun - since, (first or end) - begun, end - begun, usage)
