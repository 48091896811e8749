# SPDX-License-Identifier: AGPL-3.0-only
"""What each sampling parameter does, against the distribution that `logits()` shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from engine_tools import GREEDY, difference, prompt_tokens, read, seeded
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.types import SamplingParams

PROMPT = prompt_tokens(20)
OPEN = replace(seeded(0), temperature=1.0)
Floats = npt.NDArray[np.floating]


def first(engine: Engine, params: SamplingParams, prompt: list[int] = PROMPT) -> int:
    return read(engine.stream(prompt, params, max_tokens=1))[0]


def drawn(engine: Engine, params: SamplingParams, draws: int = 40) -> set[int]:
    """First tokens by many seeds."""
    return {first(engine, replace(params, seed=seed)) for seed in range(draws)}


def last_logits(engine: Engine, prompt: list[int] = PROMPT) -> Floats:
    return engine.logits(prompt)[-1].astype(np.float64)


def probabilities(logits: Floats) -> Floats:
    odds = np.exp(logits - logits.max())
    return odds / odds.sum()


def best(logits: Floats, count: int) -> set[int]:
    return set(np.argsort(-logits)[:count].tolist())


@pytest.mark.parametrize(
    "change",
    [
        {"top_k": 1},
        {"top_p": 0.0},
        {"top_p": 1e-6},
        {"min_p": 1.0},
        {"temperature": 1e-4},
        {"mirostat": 2, "mirostat_tau": 0.0},
        {"temperature": 0.0, "mirostat": 1},
    ],
    ids=str,
)
def test_what_leaves_one_token_is_greedy(tiny: Engine, change: dict[str, float]) -> None:
    params = replace(seeded(3), **change)  # type: ignore[arg-type]
    expected = read(tiny.stream(PROMPT, GREEDY, max_tokens=12, ignore_eos=True))
    assert read(tiny.stream(PROMPT, params, max_tokens=12, ignore_eos=True)) == expected


def test_temperature_zero_ignores_seed_and_truncation(tiny: Engine) -> None:
    expected = read(tiny.stream(PROMPT, GREEDY, max_tokens=12))
    for seed in range(3):
        params = replace(GREEDY, seed=seed, top_k=7, top_p=0.3, typical_p=0.2, xtc_probability=1.0)
        assert read(tiny.stream(PROMPT, params, max_tokens=12)) == expected


def test_temperature_flattens(tiny: Engine) -> None:
    counts = [len(drawn(tiny, replace(OPEN, temperature=t))) for t in (0.02, 0.2, 1.0)]
    assert counts[0] < counts[1] < counts[2]


def test_top_k_keeps_the_best(tiny: Engine) -> None:
    tokens = drawn(tiny, replace(OPEN, top_k=5))
    assert tokens <= best(last_logits(tiny), 5)
    assert len(tokens) > 1


def test_top_p_keeps_the_smallest_set_that_is_likely_enough(tiny: Engine) -> None:
    logits = last_logits(tiny)
    likely = np.sort(probabilities(logits))[::-1]
    size = int(np.searchsorted(np.cumsum(likely), 0.01)) + 1
    tokens = drawn(tiny, replace(OPEN, top_p=0.01))
    assert tokens <= best(logits, size + 1)  # one more: sums differ in the last digit
    assert len(tokens) > 1


def test_min_p_keeps_what_is_nearly_as_likely_as_the_best(tiny: Engine) -> None:
    logits = last_logits(tiny)
    likely = probabilities(logits)
    tokens = drawn(tiny, replace(OPEN, min_p=0.5))
    assert tokens <= set(np.flatnonzero(likely >= 0.4999 * likely.max()).tolist())
    assert len(tokens) > 1


@pytest.mark.parametrize("banned", [{}, {2: -100.0}], ids=["all", "one-banned"])
def test_typical_p_keeps_what_surprises_as_much_as_expected(
    tiny: Engine, banned: dict[int, float]
) -> None:
    likely = probabilities(last_logits(tiny))
    surprise = -np.log(likely)
    distance = np.abs(surprise - (likely * surprise).sum())
    nearest = np.argsort(distance)
    size = int(np.searchsorted(np.cumsum(likely[nearest]), 0.01)) + 1
    tokens = drawn(tiny, replace(OPEN, typical_p=0.01, logit_bias=banned))
    assert len(tokens) > 1
    assert distance[list(tokens)].max() <= distance[nearest[size]] + 1e-3


def test_xtc_excludes_the_top_choices(tiny: Engine) -> None:
    """Of five candidates that all pass the threshold only the least likely stays."""
    ranked = np.argsort(-last_logits(tiny))
    params = replace(OPEN, top_k=5, xtc_probability=1.0, xtc_threshold=0.01)
    assert drawn(tiny, params, 10) == {int(ranked[4])}
    assert drawn(tiny, replace(params, xtc_threshold=0.9), 30) > {int(ranked[4])}


def test_logit_bias_bans(tiny: Engine) -> None:
    ranked = np.argsort(-last_logits(tiny)).tolist()
    banned = dict.fromkeys(ranked[:20], -100.0)
    assert first(tiny, replace(GREEDY, logit_bias=banned)) == ranked[20]
    nearly = replace(OPEN, top_k=21, logit_bias=banned)
    assert not drawn(tiny, nearly) & set(ranked[:20])


@pytest.mark.parametrize("params", [GREEDY, OPEN], ids=["greedy", "seeded"])
def test_logit_bias_forces(tiny: Engine, params: SamplingParams) -> None:
    forced = replace(params, logit_bias={12345: 100.0})
    assert read(tiny.stream(PROMPT, forced, max_tokens=5)) == [12345] * 5


# Penalties: a token of the prompt is made to lead by one, so that greedy takes it.


def leading(engine: Engine, prompt: list[int], token: int) -> SamplingParams:
    logits = last_logits(engine, prompt)
    return replace(GREEDY, logit_bias={token: float(logits.max() - logits[token]) + 1.0})


ECHO = 5000


@pytest.mark.parametrize(
    ("times", "change", "is_taken"),
    [
        (1, {}, True),
        (1, {"presence_penalty": 2.0}, False),
        (3, {"presence_penalty": 0.9}, True),
        (1, {"frequency_penalty": 0.4}, True),
        (3, {"frequency_penalty": 0.4}, False),
        (1, {"repeat_penalty": 2.0}, False),
        (1, {"repeat_penalty": 2.0, "repeat_last_n": 0}, True),
        (1, {"repeat_penalty": 2.0, "repeat_last_n": 5}, True),
        (0, {"repeat_penalty": 2.0, "presence_penalty": 2.0, "frequency_penalty": 2.0}, True),
    ],
    ids=str,
)
def test_penalties_look_back(
    tiny: Engine, times: int, change: dict[str, float], is_taken: bool
) -> None:
    prompt = [1, *[ECHO] * times, *PROMPT[1:]]
    params = replace(leading(tiny, prompt, ECHO), **change)  # type: ignore[arg-type]
    assert (first(tiny, params, prompt) == ECHO) is is_taken


def test_a_negative_penalty_repeats(tiny: Engine) -> None:
    ranked = np.argsort(-last_logits(tiny, [*PROMPT, ECHO])).tolist()
    params = replace(GREEDY, presence_penalty=-2.0, frequency_penalty=-2.0)
    assert first(tiny, params, [*PROMPT, *[ECHO] * 8]) == ECHO != ranked[0]


LINE = [15000, 15001, 15002, 15003, 15004, ECHO]  # words without a sequence breaker


@pytest.mark.parametrize(
    ("change", "is_taken"),
    [
        ({}, True),
        ({"dry_multiplier": 1.0}, False),
        ({"dry_multiplier": 0.9, "dry_base": 1.0}, True),
        ({"dry_multiplier": 1.0, "dry_allowed_length": 20}, True),
        ({"dry_multiplier": 1.0, "dry_penalty_last_n": 4}, True),
    ],
    ids=str,
)
def test_dry_breaks_a_repetition(tiny: Engine, change: dict[str, float], is_taken: bool) -> None:
    """The lead of 1 stands against a penalty of multiplier * base ** (length - allowed)."""
    prompt = [1, *LINE * 3, *LINE[:-1]]
    params = replace(leading(tiny, prompt, ECHO), **change)  # type: ignore[arg-type]
    assert (first(tiny, params, prompt) == ECHO) is is_taken


def test_dry_sequence_breakers_end_a_repetition(tiny: Engine) -> None:
    word = tiny.tokenize("word")[-1]
    line = [*LINE[:3], word, ECHO]
    prompt = [1, *line * 3, *line[:-1]]
    params = replace(leading(tiny, prompt, ECHO), dry_multiplier=1.0, dry_sequence_breakers=())
    assert first(tiny, params, prompt) != ECHO
    assert first(tiny, replace(params, dry_sequence_breakers=("word",)), prompt) == ECHO


@pytest.mark.parametrize(
    "change",
    [
        {"mirostat": 1},
        {"mirostat": 2},
        {"mirostat": 2, "mirostat_tau": 1.0},
        {"mirostat": 2, "mirostat_eta": 1.0},
        {"dynatemp_range": 1.0},
        {"dynatemp_range": 1.0, "dynatemp_exponent": 10.0},
    ],
    ids=str,
)
def test_the_rest_has_an_effect_and_repeats(guide: Engine, change: dict[str, float]) -> None:
    """On the guide, whose distribution is not flat, and against the neighbouring setting."""
    base = replace(OPEN, temperature=1.5, top_k=200)
    without = [replace(base, **dict(list(change.items())[:-1])), replace(base, seed=1)]  # type: ignore[arg-type]
    params = replace(base, **change)  # type: ignore[arg-type]

    def text(p: SamplingParams) -> tuple[int, ...]:
        return guide.generate("The guide", p, max_tokens=48, ignore_eos=True).tokens

    assert text(params) == text(params)
    assert all(difference(text(params), text(other)) is not None for other in without)


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_surprises_more_with_a_higher_target(guide: Engine, version: int) -> None:
    def surprise(tau: float) -> float:
        params = replace(OPEN, mirostat=version, mirostat_tau=tau, top_logprobs=0)
        runs = [
            guide.generate("The", replace(params, seed=seed), max_tokens=80, ignore_eos=True)
            for seed in range(3)
        ]
        chosen = [entry.chosen.logprob for run in runs for entry in run.logprobs]
        return -float(np.mean(chosen))

    assert surprise(0.0) < surprise(3.0)
