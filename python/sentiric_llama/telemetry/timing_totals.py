# SPDX-License-Identifier: AGPL-3.0-only
"""Sums of the `timings` of finished choices."""

from __future__ import annotations

from dataclasses import dataclass

from sentiric_llama.types import Final


@dataclass(slots=True)
class TimingTotals:
    """Adds timings up as llama-server does. For one thread."""

    prompt_n: int = 0
    cache_n: int = 0
    prompt_ms: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0
    most_tokens: int = 0
    """Prompt and answer of the longest choice."""

    def add(self, final: Final) -> None:
        timings = final.timings
        self.prompt_n += timings.prompt_n
        self.cache_n += timings.cache_n
        self.prompt_ms += timings.prompt_ms
        self.predicted_n += timings.predicted_n
        self.predicted_ms += timings.predicted_ms
        self.most_tokens = max(self.most_tokens, final.usage.total_tokens)

    def include(self, other: TimingTotals) -> None:
        """Adds the sums of another one."""
        self.prompt_n += other.prompt_n
        self.cache_n += other.cache_n
        self.prompt_ms += other.prompt_ms
        self.predicted_n += other.predicted_n
        self.predicted_ms += other.predicted_ms
        self.most_tokens = max(self.most_tokens, other.most_tokens)
