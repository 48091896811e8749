# SPDX-License-Identifier: AGPL-3.0-only
"""A request that another engine had begun goes on where that was cut off.

The engine has no prefix cache here, as a process that has just started.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from engine_tools import GREEDY, prompt_tokens, seeded, side_by_side
from sentiric_llama.engine.blocking import Engine, Stream
from sentiric_llama.errors import InvalidArgument, NotSupported
from sentiric_llama.types import Completion, Delta, Grammar, Request, SamplingParams

PROMPT = prompt_tokens(20)
DEFAULTS = SamplingParams(seed=5)
SAMPLING = {
    "greedy": GREEDY,
    "greedy-penalties": replace(GREEDY, repeat_penalty=1.3, presence_penalty=0.5),
    "whole-row": seeded(3),
    "defaults": DEFAULTS,
    "top_p": replace(seeded(4), top_p=0.9),
    "dynatemp": replace(DEFAULTS, dynatemp_range=0.5),
    "xtc": replace(DEFAULTS, xtc_probability=0.5, xtc_threshold=0.01),
    "xtc-few": replace(DEFAULTS, xtc_probability=0.5, min_p=0.8),
    "typical_p": replace(DEFAULTS, typical_p=0.5),
    "dry": replace(DEFAULTS, dry_multiplier=0.8, dry_sequence_breakers=()),
    "dry-greedy": replace(GREEDY, dry_multiplier=0.8),
    "bias": replace(DEFAULTS, logit_bias={500: 5.0, 501: -100.0}),
    "mirostat-greedy": replace(GREEDY, mirostat=2),
}
SCHEMA = """{"type": "object", "required": ["customer_number", "name"],
"additionalProperties": false, "properties": {"customer_number": {"type": "integer",
"minimum": 100, "maximum": 999}, "name": {"type": "string", "minLength": 3, "maxLength": 12}}}"""


@pytest.fixture(scope="module")
def engine(tiny_q8_0: Path) -> Iterator[Engine]:
    with Engine(
        str(tiny_q8_0), contexts=2, context_size=512, compute_threads=1, prefix_cache=False
    ) as engine:
        yield engine


def request_for(sampling: SamplingParams, **fields: Any) -> Request:
    plain: dict[str, Any] = {"tokens": PROMPT, "max_tokens": 40, "ignore_eos": True}
    return Request(sampling=sampling, **{**plain, **fields})


def answer(stream: Stream) -> Completion:
    return Completion.join(list(stream))


def resumed(engine: Engine, request: Request, delivered: Sequence[int]) -> Completion:
    return answer(engine.submit(replace(request, delivered=tuple(delivered))))


def check_resumes(engine: Engine, request: Request, other: Engine | None = None) -> Completion:
    """Cuts the answer behind some of its deltas; `other` goes on. Returns the whole answer."""
    deltas = list(engine.submit(request))
    whole = Completion.join(deltas)
    counts = list(accumulate(len(delta.tokens) for delta in deltas))
    assert len(whole.tokens) > 8
    for index in sorted({0, 1, 2, len(deltas) // 3, len(deltas) // 2, len(deltas) - 2}):
        count = counts[index]
        if count == len(whole.tokens):
            continue
        rest = resumed(other or engine, request, whole.tokens[:count])
        check_rest(whole, deltas[: index + 1], rest)
    return whole


def check_rest(whole: Completion, sent: Sequence[Delta], rest: Completion) -> None:
    count = sum(len(delta.tokens) for delta in sent)
    assert rest.tokens == whole.tokens[count:]
    assert "".join(delta.text for delta in sent) + rest.text == whole.text
    assert rest.logprobs == (whole.logprobs[count:] if whole.logprobs else ())
    assert rest.finish_reason == whole.finish_reason
    assert rest.stop_string == whole.stop_string
    assert rest.truncation == whole.truncation
    assert rest.usage.prompt_tokens == whole.usage.prompt_tokens
    assert rest.usage.completion_tokens == whole.usage.completion_tokens
    assert rest.timings.predicted_n == len(rest.tokens)


@pytest.mark.parametrize("name", SAMPLING)
def test_the_same_tokens_follow(engine: Engine, name: str) -> None:
    check_resumes(engine, request_for(SAMPLING[name]))


def test_after_any_number_of_tokens(engine: Engine) -> None:
    request = request_for(DEFAULTS, max_tokens=24)
    deltas = list(engine.submit(request))
    whole = Completion.join(deltas)
    for count in range(24):
        rest = resumed(engine, request, whole.tokens[:count])
        assert rest.tokens == whole.tokens[count:], count


def test_in_another_engine(engine: Engine, tiny_q8_0: Path) -> None:
    with Engine(str(tiny_q8_0), contexts=1, context_size=512, compute_threads=1) as other:
        for sampling in (GREEDY, DEFAULTS):
            check_resumes(engine, request_for(sampling), other)


def test_behind_what_the_cache_still_holds(tiny: Engine) -> None:
    check_resumes(tiny, request_for(DEFAULTS))


def test_next_to_other_requests(engine: Engine) -> None:
    request = request_for(DEFAULTS)
    whole = answer(engine.submit(request))
    texts = side_by_side(
        *(lambda n=count: resumed(engine, request, whole.tokens[:n]) for count in (5, 17, 30))
    )
    assert [len(rest.tokens) for rest in texts] == [35, 23, 10]
    assert all(rest.tokens == whole.tokens[-len(rest.tokens) :] for rest in texts)


@pytest.mark.parametrize("sampling", [GREEDY, DEFAULTS], ids=["greedy", "seeded"])
def test_with_logprobs(engine: Engine, sampling: SamplingParams) -> None:
    whole = check_resumes(engine, request_for(replace(sampling, top_logprobs=3)))
    assert len(whole.logprobs) == 40


@pytest.mark.parametrize("name", ["greedy", "defaults", "xtc", "typical_p", "dry"])
def test_inside_a_grammar(engine: Engine, name: str) -> None:
    """Its keys are forced, and nearly every other first choice is refused."""
    request = request_for(
        SAMPLING[name], grammar=Grammar("json_schema", SCHEMA), max_tokens=60, ignore_eos=False
    )
    before = engine.stats().jumped_tokens
    check_resumes(engine, request)
    assert engine.stats().jumped_tokens > before


def test_among_forced_tokens(engine: Engine) -> None:
    """Cut inside a delta, the rest of it is new."""
    request = request_for(GREEDY, grammar=Grammar("json_schema", SCHEMA), max_tokens=60)
    whole = answer(engine.submit(request))
    for count in range(min(24, len(whole.tokens) - 1)):
        rest = resumed(engine, request, whole.tokens[:count])
        assert rest.tokens == whole.tokens[count:], count


def test_inside_what_may_become_a_stop_string(engine: Engine) -> None:
    text = answer(engine.submit(request_for(GREEDY))).text
    at = len(text) // 2
    request = request_for(GREEDY, stop=(text[at : at + 12], text[at - 6 : at - 2] + "\0never"))
    whole = answer(engine.submit(request))
    assert whole.finish_reason == "stop"
    sent = ""
    deltas = list(engine.submit(request))
    for index in range(len(deltas) - 1):
        sent += deltas[index].text
        tokens = [token for delta in deltas[: index + 1] for token in delta.tokens]
        rest = resumed(engine, request, tokens)
        assert sent + rest.text == whole.text
        assert rest.stop_string == whole.stop_string


def test_behind_shifts(small_q8_0: Path) -> None:
    with Engine(
        str(small_q8_0), contexts=1, context_size=64, compute_threads=1, prefix_cache=False
    ) as engine:
        whole = check_resumes(engine, request_for(DEFAULTS, max_tokens=200))
        assert whole.truncation.shifted_tokens > 64


def test_a_long_answer_behind_more_than_one_window(small_q8_0: Path) -> None:
    with Engine(
        str(small_q8_0), contexts=1, context_size=1024, compute_threads=1, prefix_cache=False
    ) as engine:
        request = request_for(GREEDY, max_tokens=700)
        whole = answer(engine.submit(request))
        rest = resumed(engine, request, whole.tokens[:600])
        assert rest.tokens == whole.tokens[600:]


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_cannot_be_resumed(engine: Engine, version: int) -> None:
    request = request_for(replace(DEFAULTS, mirostat=version))
    whole = answer(engine.submit(request))
    with pytest.raises(NotSupported, match="mirostat"):
        resumed(engine, request, whole.tokens[:5])


def test_what_does_not_belong_to_the_answer_is_refused(engine: Engine) -> None:
    request = request_for(GREEDY, max_tokens=5, ignore_eos=False)
    size = engine.info.num_vocab
    for delivered in ([300] * 5, [-1], [size], [300, engine.info.eos]):
        with pytest.raises(InvalidArgument) as caught:
            resumed(engine, request, delivered)
        assert caught.value.where.startswith("delivered")
    with pytest.raises(InvalidArgument):
        engine.submit(replace(request, delivered=5))  # type: ignore[arg-type]
    constrained = replace(request, grammar=Grammar("gbnf", 'root ::= "a" [0-9]+'))
    with pytest.raises(InvalidArgument, match="grammar"):
        resumed(engine, constrained, engine.tokenize("b")[-1:])
    assert len(answer(engine.submit(request)).tokens) <= 5
