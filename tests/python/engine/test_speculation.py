# SPDX-License-Identifier: AGPL-3.0-only
"""Drafts save steps and change no text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from choices import check_choices, check_same_text, rounds_alike
from engine_tools import GREEDY, prompt_tokens, seeded
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import Completion, SamplingParams


def generate(engine: Engine, prompt: list[int], sampling: SamplingParams) -> Completion:
    stream = engine.stream(prompt, sampling, max_tokens=120, ignore_eos=True)
    return Completion.join(list(stream))


def copying(prompt: list[int], seed: int | None = None) -> SamplingParams:
    """Sampling that can only say the prompt's tokens, so that texts repeat themselves."""
    bias = dict.fromkeys(prompt[1:4], 40.0)
    return replace(GREEDY if seed is None else seeded(seed), logit_bias=bias)


@pytest.mark.parametrize("layout", ["split", "unified"])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_the_same_text_in_fewer_steps(tiny_q8_0: Path, layout: str, seed: int | None) -> None:
    prompt = prompt_tokens(40, 5)
    settings = {"contexts": 1, "context_size": 512, "compute_threads": 1, "kv_layout": layout}
    with Engine(str(tiny_q8_0), **settings, speculation="off") as engine:
        plain = generate(engine, prompt, copying(prompt, seed))
        plain_steps = engine.stats().steps
        assert engine.stats().drafted_tokens == 0
    with Engine(str(tiny_q8_0), **settings, speculation="ngram") as engine:
        drafted = generate(engine, prompt, copying(prompt, seed))
        stats = engine.stats()
        check_same_text(engine, prompt, drafted.tokens, plain.tokens, copying(prompt, seed))
    assert stats.accepted_draft_tokens > 0
    assert stats.steps + stats.accepted_draft_tokens == plain_steps
    assert drafted.timings.draft_n == stats.drafted_tokens
    assert drafted.timings.draft_n_accepted == stats.accepted_draft_tokens


@pytest.mark.parametrize("seed", [None, 1])
def test_a_prediction_saves_one_step_for_each_of_its_tokens(
    tiny_q8_0: Path, seed: int | None
) -> None:
    prompt, sampling = prompt_tokens(40, 7), GREEDY if seed is None else seeded(seed)
    settings = {"contexts": 1, "context_size": 512, "compute_threads": 1}

    def answer(engine: Engine, **options: Any) -> Completion:
        stream = engine.stream(prompt, sampling, max_tokens=120, ignore_eos=True, **options)
        return Completion.join(list(stream))

    with Engine(str(tiny_q8_0), **settings, speculation="off") as engine:
        plain = answer(engine)
        plain_steps = engine.stats().steps
        unused = answer(engine, prediction=plain.tokens)
        assert unused.tokens == plain.tokens and unused.prediction_accepted == 0
    changed = list(plain.tokens)
    changed[40:42] = [5, 6, 7]
    for prediction in (plain.tokens, changed, changed[20:]):
        with Engine(str(tiny_q8_0), **settings, speculation="ngram") as engine:
            drafted = answer(engine, prediction=prediction)
            stats = engine.stats()
            check_same_text(engine, prompt, drafted.tokens, plain.tokens, sampling)
        assert stats.steps + stats.accepted_draft_tokens == plain_steps
        accepted, rejected = drafted.prediction_accepted, drafted.prediction_rejected
        assert accepted + rejected <= drafted.timings.draft_n
        if rounds_alike():
            assert drafted.tokens == plain.tokens
        if rounds_alike() and prediction == plain.tokens:
            # How many depends on what they cost, and so on time.
            assert accepted > 0 and rejected == 0 and stats.steps < plain_steps


@pytest.mark.parametrize(
    ("where", "prediction"),
    [
        ("prediction", [1] * 32_769),
        ("prediction token", [10**6]),
        ("prediction token", [-1]),
        ("prediction", 5),
        ("prediction", ["a"]),
    ],
)
def test_predictions_are_checked(tiny: Engine, where: str, prediction: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        list(tiny.stream([1, 2], GREEDY, max_tokens=2, prediction=prediction))
    assert caught.value.where == where


@pytest.mark.parametrize("switch", [{"speculation": "auto"}, {"speculation": "ngram"}])
def test_deterministic_never_drafts(tiny_q8_0: Path, switch: dict[str, Any]) -> None:
    settings = {"contexts": 1, "context_size": 512, "compute_threads": 1, "deterministic": True}
    with Engine(str(tiny_q8_0), **settings, **switch) as engine:
        prompt = prompt_tokens(40, 5)
        generate(engine, prompt, copying(prompt))
        assert engine.stats().drafted_tokens == 0


def test_auto_drafts_where_products_round_alike_for_one_row_and_for_many(tiny_q8_0: Path) -> None:
    prompt = prompt_tokens(40, 5)
    with Engine(str(tiny_q8_0), contexts=1, context_size=512, compute_threads=1) as engine:
        generate(engine, prompt, copying(prompt))
        drafts = engine.stats().drafted_tokens > 0
        assert (engine.info.speculation == "ngram") == rounds_alike()
    assert drafts == rounds_alike()


def test_logprobs_do_not_draft(tiny_q8_0: Path) -> None:
    prompt = prompt_tokens(40, 5)
    sampling = SamplingParams(
        temperature=0, repeat_penalty=1, logit_bias=dict.fromkeys(prompt[1:4], 40), top_logprobs=2
    )
    with Engine(
        str(tiny_q8_0), contexts=1, context_size=512, compute_threads=1, speculation="ngram"
    ) as engine:
        answer = generate(engine, prompt, sampling)
        assert engine.stats().drafted_tokens == 0
        assert len(answer.logprobs) == len(answer.tokens)


def test_text_without_repetition_is_the_same(tiny_q8_0: Path) -> None:
    prompts = [prompt_tokens(40, seed) for seed in range(6)]
    settings = {"contexts": 1, "context_size": 512, "compute_threads": 1}
    with Engine(str(tiny_q8_0), **settings, speculation="off") as engine:
        plain = [generate(engine, p, s).tokens for p in prompts for s in (GREEDY, seeded(3))]
    with Engine(str(tiny_q8_0), **settings, speculation="ngram") as engine:
        drafted = [generate(engine, p, s).tokens for p in prompts for s in (GREEDY, seeded(3))]
        for number, text in enumerate(drafted):
            check_choices(engine, prompts[number // 2], text, (GREEDY, seeded(3))[number % 2])
    if rounds_alike():
        assert drafted == plain


def test_only_known_kinds(tiny_q8_0: Path) -> None:
    with pytest.raises(InvalidArgument, match="speculation"):
        Engine(str(tiny_q8_0), contexts=1, context_size=128, speculation="psychic")
