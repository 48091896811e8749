# SPDX-License-Identifier: AGPL-3.0-only
"""What a measurement sends: how many requests, when, of which lengths.

Every prompt starts differently, so that a prefix cache cannot turn the measurement into one of
itself; a shared prefix is asked for by name. Answers have equal lengths: the end of text is
ignored, the seed fixed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Count = Callable[[str], int]
"""The tokens of a text."""
_WORDS = (
    *("river", "stone", "window", "paper", "green", "market"),
    *("seven", "quiet", "morning", "letter", "bridge", "copper"),
)


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Lengths in tokens. `rate` in requests per second; 0 keeps `concurrent` in flight."""

    requests: int = 32
    concurrent: int = 4
    rate: float = 0.0
    prompt_tokens: int = 128
    output_tokens: int = 64
    shared_prefix: int = 0
    warm_up: int = 2
    seed: int = 7


def arrivals(plan: LoadPlan) -> Iterator[float]:
    """Seconds after the start at which each request is sent: at random, at the given rate."""
    source = random.Random(plan.seed)
    now = 0.0
    for _ in range(plan.requests):
        yield now
        now += source.expovariate(plan.rate) if plan.rate else 0.0


def prompts(plan: LoadPlan, count: Count, nonce: str) -> Iterator[str]:
    """As many prompts as asked for, warm-up first; `nonce` makes this run's prompts its own."""
    source = random.Random(f"{plan.seed} {nonce}")
    shared = text_of(count, plan.shared_prefix, random.Random(nonce)) if plan.shared_prefix else ""
    for number in range(plan.warm_up + plan.requests):
        own = text_of(count, max(plan.prompt_tokens - plan.shared_prefix, 1), source)
        yield f"{shared} {nonce}-{number} {own}".strip()


def text_of(count: Count, tokens: int, source: random.Random) -> str:
    """Words that are about `tokens` tokens by the model's own count, at least one word."""
    words = [source.choice(_WORDS) for _ in range(tokens + 1)]
    counted = max(count(" ".join(words)), 1)
    return " ".join(words[: max(1, round(len(words) * tokens / counted))])
