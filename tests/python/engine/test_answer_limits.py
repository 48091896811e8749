# SPDX-License-Identifier: AGPL-3.0-only
"""What ends an answer, closes its thoughts, and keeps tokens out of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine_tools import GREEDY, prompt_tokens, seeded
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import Completion, Request, SamplingParams, ThinkingLimit

PROMPT = prompt_tokens(20)
FREE = seeded(4)
LIMIT = ThinkingLimit("<think>", "</think>", "\n</think>\n\n", max_tokens=7, is_open=True)


def answer(engine: Engine, sampling: SamplingParams = FREE, **options: Any) -> Completion:
    return engine.generate([PROMPT], sampling, **{"max_tokens": 40, **options})[0]


def test_a_long_thought_is_closed(tiny: Engine) -> None:
    found = answer(tiny, thinking=LIMIT, ignore_eos=True)
    thought, marks, rest = found.text.partition("\n</think>\n\n")
    assert thought and marks and rest
    assert (found.thought_tokens, found.thinking_ended) == (7, True)
    closing = tiny.tokenize("\n</think>\n\n")
    assert len(tiny.tokenize("\n")) < len(closing) < 20
    # The same numbers are drawn before it.
    plain = answer(tiny, ignore_eos=True)
    assert found.tokens[:7] == plain.tokens[:7]
    assert (plain.thought_tokens, plain.thinking_ended) == (0, False)


def test_a_thought_may_be_forbidden(tiny: Engine) -> None:
    found = answer(tiny, thinking=replace(LIMIT, max_tokens=0))
    assert found.text.startswith("\n</think>\n\n")
    assert found.thought_tokens == 0


def test_a_limit_may_only_count(tiny: Engine) -> None:
    found = answer(tiny, ignore_eos=True, thinking=replace(LIMIT, max_tokens=2**31 - 1))
    assert (found.thought_tokens, found.thinking_ended) == (40, False)


def test_stop_strings_do_not_count_in_a_thought(tiny: Engine) -> None:
    found = answer(tiny, thinking=LIMIT, ignore_eos=True)
    thought, closing, said = found.text.partition("\n</think>\n\n")
    in_thought = thought.strip()[-1]
    stopped = answer(tiny, thinking=LIMIT, ignore_eos=True, stop=["\n\n", in_thought])
    kept = said[: min(at for at in (said.find(in_thought), len(said)) if at >= 0)]
    assert stopped.text == thought + closing + kept
    plain = answer(tiny, ignore_eos=True, stop=[in_thought])
    assert plain.stop_string == in_thought and len(plain.text) < len(thought)


def test_logprobs_have_the_closing_tokens(tiny: Engine) -> None:
    sampling = replace(FREE, top_logprobs=0)
    found = answer(tiny, sampling, thinking=LIMIT, ignore_eos=True)
    assert found.text == answer(tiny, thinking=LIMIT, ignore_eos=True).text
    assert [entry.chosen.token for entry in found.logprobs] == list(found.tokens)


@pytest.mark.parametrize("mirostat", [0, 2])
def test_a_thought_is_closed_on_the_chain(tiny: Engine, mirostat: int) -> None:
    sampling = replace(FREE, typical_p=0.9, mirostat=mirostat)
    found = answer(tiny, sampling, thinking=LIMIT, ignore_eos=True)
    assert "\n</think>\n\n" in found.text
    assert found.thought_tokens == 7


def test_an_answer_is_resumed_around_the_closing_text(tiny: Engine) -> None:
    request = Request(tokens=PROMPT, sampling=FREE, thinking=LIMIT, ignore_eos=True, max_tokens=30)
    with tiny.submit(request) as stream:
        deltas = list(stream)
    whole = [token for delta in deltas for token in delta.tokens]
    for cut in range(1, len(whole), 3):
        with tiny.submit(replace(request, delivered=whole[:cut])) as stream:
            rest = list(stream)
        assert whole[:cut] + [token for delta in rest for token in delta.tokens] == whole
        final = rest[-1].final
        assert final is not None
        assert (final.thought_tokens, final.thinking_ended) == (7, True)


def test_a_grammar_must_allow_the_closing_text(tiny: Engine) -> None:
    with pytest.raises(InvalidArgument) as caught:
        answer(tiny, thinking=LIMIT, regex="[a-z ]{30,50}")
    assert caught.value.where == "thinking.closing"


def test_answers_that_go_round_in_circles_end(tiny: Engine) -> None:
    circle = replace(GREEDY, logit_bias={400: 100.0})
    found = answer(tiny, circle, repetition_limit=12)
    assert (found.finish_reason, found.tokens) == ("repetition", (400,) * 12)
    assert answer(tiny, circle).finish_reason == "length"
    assert tiny.stats().repetitions == 1


def test_stop_tokens_end_without_text(tiny: Engine) -> None:
    plain = answer(tiny, ignore_eos=True)
    stop = plain.tokens[10]
    first = plain.tokens.index(stop)
    found = answer(tiny, ignore_eos=True, stop_tokens=[stop, 31999])
    assert found.tokens == plain.tokens[: first + 1]
    assert (found.finish_reason, found.stop_token) == ("stop", stop)
    assert plain.text.startswith(found.text)
    assert answer(tiny, ignore_eos=True, stop_tokens=[stop], min_tokens=40).stop_token is None


def test_min_tokens_put_the_end_off(tiny: Engine) -> None:
    ends = replace(GREEDY, logit_bias={tiny.info.eos: 100.0})
    assert len(answer(tiny, ends).tokens) == 1
    found = answer(tiny, ends, min_tokens=5)
    assert len(found.tokens) == 6
    assert found.finish_reason == "stop"
    # A grammar that can only end does.
    assert answer(tiny, ends, min_tokens=5, choice=["ab"]).text == "ab"


@pytest.mark.parametrize("sampling", [FREE, replace(FREE, typical_p=0.95)])
def test_only_allowed_tokens_are_chosen(tiny: Engine, sampling: SamplingParams) -> None:
    allowed = [400, 401, 402, 13]
    found = answer(tiny, replace(sampling, allowed_tokens=allowed), ignore_eos=True)
    assert len(set(found.tokens)) > 2
    assert set(found.tokens) <= set(allowed)


@pytest.mark.parametrize("sampling", [FREE, replace(FREE, typical_p=0.95)])
def test_what_a_grammar_and_allowed_tokens_leave(tiny: Engine, sampling: SamplingParams) -> None:
    digits = [tiny.tokenize(f"1{digit}")[-1] for digit in "0123"]
    found = answer(tiny, replace(sampling, allowed_tokens=digits), regex="[2-9]{6}")
    assert set(found.text) <= set("23")
    assert len(found.text) == 6
    with pytest.raises(InvalidArgument) as caught:
        answer(tiny, replace(sampling, allowed_tokens=digits), regex="[a-z]{6}")
    assert caught.value.where == "allowed_tokens"


@pytest.mark.parametrize("sampling", [GREEDY, replace(GREEDY, dry_multiplier=0.01)])
def test_bad_words_do_not_come(tiny: Engine, sampling: SamplingParams) -> None:
    plain = answer(tiny, sampling, ignore_eos=True).tokens
    found = answer(tiny, sampling, ignore_eos=True, bad_words=[plain[3:6], plain[:1]]).tokens
    assert plain[0] not in found
    found = answer(tiny, sampling, ignore_eos=True, bad_words=[plain[3:6]]).tokens
    assert found[:5] == plain[:5]
    assert found[5] != plain[5]


@pytest.mark.parametrize(
    ("where", "options"),
    [
        ("min_tokens", {"min_tokens": 41}),
        ("min_tokens", {"min_tokens": -1}),
        ("stop_tokens", {"stop_tokens": [1] * 65}),
        ("stop_tokens token", {"stop_tokens": [10**6]}),
        ("bad_words tokens", {"bad_words": [[]]}),
        ("bad_words token", {"bad_words": [[-1]]}),
        ("repetition_limit", {"repetition_limit": -1}),
        ("thinking.end bytes", {"thinking": replace(LIMIT, end="")}),
        ("thinking.closing", {"thinking": replace(LIMIT, closing="x")}),
        ("thinking.max_tokens", {"thinking": replace(LIMIT, max_tokens=-1)}),
    ],
)
def test_wrong_values_are_refused(tiny: Engine, where: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        answer(tiny, **options)
    assert caught.value.where == where
