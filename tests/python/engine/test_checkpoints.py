# SPDX-License-Identifier: AGPL-3.0-only
"""A model with a state that cannot be cut begins at the last place where it was kept."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine_tools import GREEDY, prompt_tokens, side_by_side
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.types import Completion, Message


def open_engine(path: Path, **settings: object) -> Engine:
    return Engine(
        str(path), **{"context_size": 1024, "compute_threads": 1, "contexts": 2, **settings}
    )


def generate(engine: Engine, tokens: list[int], count: int = 8) -> Completion:
    stream = engine.stream(tokens, GREEDY, max_tokens=count, ignore_eos=True)
    return Completion.join(list(stream))


@pytest.fixture(scope="module")
def prompts() -> list[list[int]]:
    """Six with the same 300 tokens before their own."""
    return [prompt_tokens(300) + prompt_tokens(30, seed)[1:] for seed in range(2, 8)]


@pytest.mark.parametrize("layout", ["split", "unified"])
def test_from_the_third_prompt_on_the_common_part_is_not_computed(
    mamba_q8_0: Path, prompts: list[list[int]], layout: str
) -> None:
    with open_engine(mamba_q8_0, kv_layout=layout) as engine:
        answers = [generate(engine, prompt) for prompt in prompts]
        stats = engine.stats()
    assert [a.usage.cached_tokens for a in answers] == [0, 0, 300, 300, 300, 300]
    assert stats.prompt_tokens == 2 * 329 + 4 * 29
    assert stats.prefix_checkpoints >= 1
    with open_engine(mamba_q8_0, kv_layout=layout, prefix_cache=False) as solo:
        assert [generate(solo, p).tokens for p in prompts] == [a.tokens for a in answers]


def test_the_same_prompt_again_costs_its_last_tokens(mamba_q8_0: Path) -> None:
    with open_engine(mamba_q8_0) as engine:
        first, second = (generate(engine, prompt_tokens(200)) for _ in range(2))
        assert second.usage.cached_tokens == 192
        assert second.tokens == first.tokens


def test_a_system_prompt_is_computed_once_by_all_at_once(mamba_q8_0: Path) -> None:
    system = Message("system", " ".join(f"Rule {n}: be kind." for n in range(30)))
    talks = [[system, Message("user", f"{n} birds?")] for n in range(4)]

    def chat(engine: Engine, talk: list[Message]) -> Completion:
        return engine.chat(talk, GREEDY, max_tokens=6, ignore_eos=True)

    with open_engine(mamba_q8_0, contexts=4) as engine:
        answers = side_by_side(*[lambda t=talk: chat(engine, t) for talk in talks])
        computed = engine.stats().prompt_tokens
        size = len(engine.tokenize_chat(talks[0]))
    assert computed < size + 4 * 40
    with open_engine(mamba_q8_0, prefix_cache=False, contexts=1) as solo:
        assert [chat(solo, talk).tokens for talk in talks] == [a.tokens for a in answers]


def test_without_host_memory_there_are_none(mamba_q8_0: Path, prompts: list[list[int]]) -> None:
    with open_engine(mamba_q8_0, host_cache_bytes=0) as engine:
        assert [generate(engine, p).usage.cached_tokens for p in prompts] == [0] * 6
        assert engine.stats().prefix_checkpoints == 0


def test_random_prompts_say_what_they_say_alone(mamba_q8_0: Path) -> None:
    rng = random.Random(5)
    heads = [prompt_tokens(120, seed) for seed in range(3)]
    cases = [
        rng.choice(heads)[: rng.choice((30, 60, 120))] + prompt_tokens(rng.randint(3, 40), n)[1:]
        for n in range(40)
    ]
    with open_engine(mamba_q8_0, contexts=1, prefix_cache=False) as solo:
        want = [generate(solo, case).tokens for case in cases]
    with open_engine(
        mamba_q8_0, contexts=3, host_cache_bytes=3_000_000, prefill_chunk=31
    ) as engine:
        for at in range(0, 40, 4):
            batch = cases[at : at + 4]
            answers = side_by_side(*[lambda c=case: generate(engine, c) for case in batch])
            assert [answer.tokens for answer in answers] == want[at : at + 4]
        assert engine.stats().cached_tokens > 0
