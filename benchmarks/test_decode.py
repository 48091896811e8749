# SPDX-License-Identifier: AGPL-3.0-only
"""A stream through the engine, and a prompt whose beginning is already there."""

from __future__ import annotations

import random
from typing import Any

from sentiric_llama import Engine, SamplingParams

GREEDY = SamplingParams(temperature=0, repeat_penalty=1.0)


def test_single_stream(benchmark: Any, middle: Engine) -> None:
    def generate() -> int:
        stream = middle.stream([1000], GREEDY, max_tokens=64, ignore_eos=True)
        return sum(len(delta.tokens) for delta in stream)

    tokens = benchmark.pedantic(generate, rounds=5, warmup_rounds=1)
    assert tokens == 64
    benchmark.extra_info["tokens_per_second"] = tokens / benchmark.stats.stats.median


def test_prompt_with_a_resident_prefix(benchmark: Any, middle: Engine) -> None:
    """1 000 tokens that stay, 16 that are new each time: `evaluated` says what was computed."""
    draw = random.Random(1)
    prefix = draw.choices(range(1000, 30000), k=1000)
    list(middle.stream(prefix, GREEDY, max_tokens=1))
    evaluated: list[int] = []

    def attach() -> None:
        prompt = prefix + draw.choices(range(1000, 30000), k=16)
        *_, last = middle.stream(prompt, GREEDY, max_tokens=1)
        assert last.final is not None
        usage = last.final.usage
        assert usage.prompt_tokens == len(prompt)
        evaluated.append(usage.prompt_tokens - usage.cached_tokens)

    benchmark.pedantic(attach, rounds=7, warmup_rounds=1)
    benchmark.extra_info["evaluated"] = sorted(evaluated)[len(evaluated) // 2]
