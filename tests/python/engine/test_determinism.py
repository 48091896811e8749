# SPDX-License-Identifier: AGPL-3.0-only
"""A request's tokens depend on its prompt, its sampling and its seed, never on its neighbours.

docs/determinism.md has the measurements behind the rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

import models
from choices import check_choices, rounds_alike
from engine_tools import GREEDY, prompt_tokens, read, seeded, side_by_side
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.types import SamplingParams

LENGTHS = (1, 2, 7, 31, 64, 129, 130, 257)
PROMPTS = [prompt_tokens(length) for length in LENGTHS]
NUM_TOKENS = 32
SETTINGS = [
    pytest.param({"contexts": 8}, id="8-contexts"),
    pytest.param({"contexts": 8, "prefill_chunk": 31}, id="chunk-31"),
    pytest.param({"contexts": 8, "prefill_chunk": 128}, id="chunk-128"),
    pytest.param({"contexts": 3}, id="3-contexts"),
]
SAMPLING = {
    "greedy": [GREEDY] * 8,
    "seeded": [seeded(seed) for seed in range(8)],
    "defaults": [SamplingParams(seed=seed) for seed in range(8)],
}

Tokens = list[list[int]]


def alone(engine: Engine, sampling: Sequence[SamplingParams]) -> Tokens:
    return [
        read(engine.stream(prompt, params, max_tokens=NUM_TOKENS, ignore_eos=True))
        for prompt, params in zip(PROMPTS, sampling, strict=True)
    ]


def staggered(engine: Engine, sampling: Sequence[SamplingParams]) -> Tokens:
    """Each request starts when the one before it has said something: all stages meet."""
    with ExitStack() as streams:
        started = []
        heads: list[list[int]] = []
        for prompt, params in zip(PROMPTS, sampling, strict=True):
            stream = engine.stream(prompt, params, max_tokens=NUM_TOKENS, ignore_eos=True)
            started.append(streams.enter_context(stream))
            heads.append(list(next(stream).tokens))
        return [head + read(stream) for head, stream in zip(heads, started, strict=True)]


@pytest.fixture(scope="module")
def solo(tiny_q8_0: Path) -> Iterator[dict[str, Tokens]]:
    with Engine(str(tiny_q8_0), contexts=1, context_size=512, compute_threads=1) as engine:
        yield {name: alone(engine, sampling) for name, sampling in SAMPLING.items()}


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_same_tokens_alone_and_among_others(
    tiny_q8_0: Path, solo: dict[str, Tokens], settings: dict[str, int]
) -> None:
    with Engine(str(tiny_q8_0), context_size=512, compute_threads=1, **settings) as engine:
        for name, sampling in SAMPLING.items():
            tasks = [
                lambda p=prompt, s=params: read(
                    engine.stream(p, s, max_tokens=NUM_TOKENS, ignore_eos=True)
                )
                for prompt, params in zip(PROMPTS, sampling, strict=True)
            ]
            assert side_by_side(*tasks) == solo[name], name
            if settings["contexts"] == 8:
                assert staggered(engine, sampling) == solo[name], name


@pytest.mark.parametrize("model", ["tiny-f16", "tiny-q4_0", "wide-f16"])
def test_other_weight_types_among_others(model: str) -> None:
    """Bit by bit with our products; llama.cpp's round otherwise in a batch, and that is all."""
    path = str(models.model(model))
    with Engine(path, contexts=1, context_size=512, compute_threads=1) as engine:
        want = alone(engine, SAMPLING["greedy"])
    with Engine(path, contexts=8, context_size=512, compute_threads=2) as engine:
        tasks = [
            lambda p=prompt: read(engine.stream(p, GREEDY, max_tokens=NUM_TOKENS, ignore_eos=True))
            for prompt in PROMPTS
        ]
        for texts in (side_by_side(*tasks), staggered(engine, SAMPLING["greedy"])):
            if rounds_alike():
                assert texts == want
            for prompt, text in zip(PROMPTS, texts, strict=True):
                assert len(text) == NUM_TOKENS
                check_choices(engine, prompt, text, GREEDY)


def test_a_hole_between_sequences_changes_nothing(tiny_q8_0: Path, solo: dict[str, Tokens]) -> None:
    """The middle one of three sequences ends early; later a fourth takes its place."""
    with Engine(str(tiny_q8_0), contexts=3, context_size=512, compute_threads=1) as engine:
        first = engine.stream(PROMPTS[2], GREEDY, max_tokens=NUM_TOKENS, ignore_eos=True)
        middle = engine.stream(PROMPTS[3], GREEDY, max_tokens=NUM_TOKENS, ignore_eos=True)
        last = engine.stream(PROMPTS[4], GREEDY, max_tokens=NUM_TOKENS, ignore_eos=True)
        heads = [next(stream).tokens[0] for stream in (first, middle, last)]
        middle.close()
        late = engine.stream(PROMPTS[5], GREEDY, max_tokens=NUM_TOKENS, ignore_eos=True)
        assert [heads[0], *read(first)] == solo["greedy"][2]
        assert [heads[2], *read(last)] == solo["greedy"][4]
        assert read(late) == solo["greedy"][5]


def test_a_shift_of_one_sequence_changes_no_other(tiny_q8_0: Path) -> None:
    with Engine(str(tiny_q8_0), contexts=2, context_size=64, compute_threads=1) as engine:
        quiet = prompt_tokens(8)
        alone = read(engine.stream(quiet, GREEDY, max_tokens=48, ignore_eos=True))
        with engine.stream(prompt_tokens(60), GREEDY, max_tokens=400, ignore_eos=True) as noisy:
            next(noisy)
            assert read(engine.stream(quiet, GREEDY, max_tokens=48, ignore_eos=True)) == alone
            assert engine.stats().shifts > 0


@pytest.mark.parametrize("params", [GREEDY, seeded(7)], ids=["greedy", "seeded"])
def test_the_same_prompt_twice(tiny: Engine, params: SamplingParams) -> None:
    """No logits, penalties or random state of the first run reach the second."""
    for prompt in (PROMPTS[0], PROMPTS[3], PROMPTS[6]):
        runs = [read(tiny.stream(prompt, params, max_tokens=NUM_TOKENS)) for _ in range(3)]
        assert runs[0] == runs[1] == runs[2]


def test_a_chosen_token_depends_on_the_whole_prompt(tiny: Engine) -> None:
    """The logits are those of the last token of this prompt, not of one before it."""
    ends = {read(tiny.stream([*PROMPTS[3], t], GREEDY, max_tokens=1))[0] for t in range(400, 440)}
    starts = {
        read(tiny.stream([1, t, *PROMPTS[3]], GREEDY, max_tokens=1))[0] for t in range(400, 440)
    }
    assert len(ends) > 10
    assert len(starts) > 3


def test_seeds_make_different_texts(tiny: Engine) -> None:
    texts = {tiny.generate("Hello", seeded(seed), max_tokens=8).text for seed in range(10)}
    assert len(texts) == 10


def test_without_a_seed_one_is_drawn(tiny: Engine) -> None:
    params = SamplingParams(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0)
    assert len({tiny.generate("Hello", params, max_tokens=8).text for _ in range(4)}) == 4


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1, -1])
def test_any_number_is_a_seed(tiny: Engine, seed: int) -> None:
    assert (
        tiny.generate("Hello", seeded(seed), max_tokens=8).tokens
        == tiny.generate("Hello", seeded(seed), max_tokens=8).tokens
    )
