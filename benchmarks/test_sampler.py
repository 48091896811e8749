# SPDX-License-Identifier: AGPL-3.0-only
"""What choosing a token costs: the same steps of a tiny network with different samplers."""

from __future__ import annotations

from typing import Any

import pytest

from sentiric_llama import Engine, SamplingParams

TOKENS = 64
PROMPT = list(range(1000, 1016))
PLAIN = {"repeat_penalty": 1.0}
CHAINS: dict[str, dict[str, Any]] = {
    "greedy": PLAIN | {"temperature": 0},
    "default": PLAIN,
    "penalties": {"repeat_penalty": 1.1, "presence_penalty": 0.5},
    "top_p alone": PLAIN | {"top_k": 0, "min_p": 0, "top_p": 0.95},
    "min_p alone": PLAIN | {"top_k": 0, "top_p": 1.0, "min_p": 0.05},
    "log-probabilities": PLAIN | {"top_logprobs": 5},
    "mirostat": PLAIN | {"mirostat": 2},
    "dry": PLAIN | {"dry_multiplier": 0.8},
    "logit bias": PLAIN | {"logit_bias": dict.fromkeys(range(2000, 2100), 1.0)},
}


@pytest.mark.parametrize("chain", CHAINS)
def test_one_stream(benchmark: Any, sampling_bound: Engine, chain: str) -> None:
    sampling = SamplingParams(seed=7, **CHAINS[chain])

    def generate() -> int:
        options = {"max_tokens": TOKENS, "ignore_eos": True}
        stream = sampling_bound.stream(PROMPT, sampling, **options)
        return sum(len(delta.tokens) for delta in stream)

    assert benchmark.pedantic(generate, rounds=7, warmup_rounds=1) == TOKENS
    benchmark.extra_info["ms_per_token"] = 1e3 * benchmark.stats.stats.median / TOKENS


@pytest.mark.parametrize("streams", [1, 4, 16])
def test_streams_side_by_side(benchmark: Any, sampling_bound: Engine, streams: int) -> None:
    sampling = SamplingParams(seed=7, repeat_penalty=1.0)
    texts = [f"stream number {index}" for index in range(streams)]

    def generate() -> int:
        options = {"max_tokens": TOKENS, "ignore_eos": True}
        answers = sampling_bound.generate(texts, sampling, **options)
        return sum(answer.usage.completion_tokens for answer in answers)

    tokens = benchmark.pedantic(generate, rounds=5, warmup_rounds=1)
    assert tokens == streams * TOKENS
    benchmark.extra_info["tokens_per_second"] = tokens / benchmark.stats.stats.median
