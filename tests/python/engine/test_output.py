# SPDX-License-Identifier: AGPL-3.0-only
"""How an answer ends and what it reports: stop strings, end tokens, counts, log-probabilities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine_tools import GREEDY, prompt_tokens, seeded
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.types import Grammar

PROMPT = prompt_tokens(9)
QUESTION = [{"role": "user", "content": "Who are you?"}]
SENTENCE = 'root ::= "one two three, four five six, seven eight nine."'


# Stop strings. The grammar fixes the text; random weights choose how it is cut into tokens.


@pytest.mark.parametrize(
    ("stop", "text", "reported"),
    [
        (["four"], "one two three, ", "four"),
        ("four", "one two three, ", "four"),
        (["ee, fo"], "one two thr", "ee, fo"),
        (["five", "two", "six"], "one ", "two"),
        (["three, four five six, seven eight nine!"], None, None),
        (["one"], "", "one"),
        (["nine."], "one two three, four five six, seven eight ", "nine."),
        (["absent", "n eight"], "one two three, four five six, seve", "n eight"),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_stop_string_ends_the_text_and_is_not_in_it(
    tiny: Engine, seed: int, stop: list[str], text: str | None, reported: str | None
) -> None:
    completion = tiny.generate("x", seeded(seed), grammar=SENTENCE, stop=stop, max_tokens=100)
    full = "one two three, four five six, seven eight nine."
    assert completion.text == (full if text is None else text)
    assert completion.stop_string == reported
    assert completion.finish_reason == "stop"


def test_what_may_become_a_stop_string_is_held_back(tiny: Engine) -> None:
    """No delta ever shows a part of it, and what turns out harmless comes later."""
    for seed in range(5):
        texts = []
        for delta in tiny.stream("x", seeded(seed), grammar=SENTENCE, stop=["three, fog", "six,"]):
            texts.append(delta.text)
            assert not "".join(texts).endswith(("thre", "three,", "si", "six"))
        assert "".join(texts) == "one two three, four five "


def test_deltas_hold_complete_characters(tiny: Engine) -> None:
    """A random model writes broken UTF-8; each piece is still text, and their sum is the whole."""
    for seed in range(10):
        deltas = list(tiny.stream(PROMPT, seeded(seed), max_tokens=60, ignore_eos=True))
        tokens = [token for delta in deltas for token in delta.tokens]
        text = "".join(delta.text for delta in deltas)
        assert len(tokens) == 60
        text.encode("utf-8")
        if "\ufffd" not in text:
            assert text.strip() == tiny.detokenize(tokens).strip()


def test_split_characters_arrive_whole(tiny: Engine) -> None:
    grammar = 'root ::= "çğış 🦙🦙 日本語 ω"'
    for seed in range(10):
        deltas = list(tiny.stream("x", seeded(seed), grammar=grammar, max_tokens=100))
        assert "".join(delta.text for delta in deltas) == "çğış 🦙🦙 日本語 ω"
        assert not any("\ufffd" in delta.text for delta in deltas)


# Ends and counts


@pytest.mark.parametrize("count", [1, 2, 17])
def test_max_tokens_is_exact(tiny: Engine, count: int) -> None:
    completion = tiny.generate("Hello", GREEDY, max_tokens=count, ignore_eos=True)
    assert len(completion.tokens) == completion.usage.completion_tokens == count
    assert completion.finish_reason == "length"
    assert completion.timings.predicted_n == count


def test_max_tokens_zero_evaluates_the_prompt_only(tiny: Engine) -> None:
    completion = tiny.generate("Hello", GREEDY, max_tokens=0)
    assert (completion.text, completion.tokens) == ("", ())
    assert completion.finish_reason == "length"
    assert completion.usage.prompt_tokens == len(tiny.tokenize("Hello", add_special=True))
    assert completion.timings.prompt_n == completion.usage.prompt_tokens


def test_the_end_token_ends_and_can_be_ignored(guide: Engine) -> None:
    ended = guide.chat(QUESTION, GREEDY, max_tokens=120)
    assert ended.finish_reason == "stop"
    assert ended.tokens[-1] == guide.info.eos
    assert ended.stop_string is None
    ignored = guide.chat(QUESTION, GREEDY, max_tokens=120, ignore_eos=True)
    assert ignored.finish_reason == "length"
    assert guide.info.eos not in ignored.tokens
    assert len(ignored.tokens) == 120


def test_a_forced_end_token_gives_an_empty_text(tiny: Engine) -> None:
    forced = replace(GREEDY, logit_bias={tiny.info.eos: 100.0})
    completion = tiny.generate("Hello", forced)
    assert (completion.text, completion.finish_reason) == ("", "stop")
    assert completion.tokens == (tiny.info.eos,)


def test_one_final_delta_and_it_is_the_last(tiny: Engine) -> None:
    deltas = list(tiny.stream("Hello", GREEDY, max_tokens=9))
    assert [delta.final is not None for delta in deltas] == [False] * (len(deltas) - 1) + [True]


# Log-probabilities


@pytest.mark.parametrize("count", [None, 0, 1, 5, 20])
def test_as_many_alternatives_as_asked_for(tiny: Engine, count: int | None) -> None:
    params = replace(seeded(1), top_logprobs=count)
    completion = tiny.generate("Hello", params, max_tokens=6, ignore_eos=True)
    if count is None:
        assert completion.logprobs == ()
        return
    assert [entry.chosen.token for entry in completion.logprobs] == list(completion.tokens)
    assert {len(entry.top) for entry in completion.logprobs} == {count}


def test_logprobs_are_those_of_the_logits(tiny: Engine) -> None:
    """Natural logarithms, before bias, penalties, temperature and truncation."""
    params = replace(
        seeded(4), top_logprobs=20, temperature=2.0, top_k=50, repeat_penalty=1.5,
        logit_bias={17: 3.0},
    )  # fmt: skip
    completion = tiny.generate("Hello", params, max_tokens=8, ignore_eos=True)
    prompt = tiny.tokenize("Hello", add_special=True)
    rows = tiny.logits([*prompt, *completion.tokens])[len(prompt) - 1 :].astype(np.float64)
    for entry, row in zip(completion.logprobs, rows, strict=False):
        peak = row.max()
        expected = row - peak - np.log(np.exp(row - peak).sum())
        assert entry.chosen.logprob == pytest.approx(expected[entry.chosen.token], abs=0.02)
        got = [alternative.logprob for alternative in entry.top]
        assert got == sorted(got, reverse=True)
        assert got == pytest.approx(np.sort(expected)[::-1][:20].tolist(), abs=0.02)


def test_the_first_rows_logprobs_are_exact(tiny: Engine) -> None:
    params = replace(GREEDY, top_logprobs=3)
    (entry,) = tiny.generate("Hello", params, max_tokens=1).logprobs
    row = tiny.logits(tiny.tokenize("Hello", add_special=True))[-1].astype(np.float64)
    expected = row - row.max() - np.log(np.exp(row - row.max()).sum())
    assert [e.token for e in entry.top] == np.argsort(-row)[:3].tolist()
    assert entry.chosen == entry.top[0]
    assert entry.chosen.logprob == pytest.approx(expected.max(), abs=1e-3)


def test_pieces_of_logprobs_are_the_bytes_of_the_text(guide: Engine) -> None:
    params = replace(GREEDY, top_logprobs=2)
    completion = guide.chat(QUESTION, params, max_tokens=60)
    pieces = [entry.chosen.piece for entry in completion.logprobs]
    assert completion.finish_reason == "stop"
    assert b"".join(pieces[:-1]).decode() == completion.text


def test_logprobs_under_a_grammar_are_unconstrained(tiny: Engine) -> None:
    params = replace(GREEDY, top_logprobs=1)
    completion = tiny.generate("x", params, grammar=Grammar("gbnf", 'root ::= "a" "b"'))
    for entry in completion.logprobs[:2]:
        assert entry.chosen.logprob < entry.top[0].logprob
