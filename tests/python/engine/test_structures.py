# SPDX-License-Identifier: AGPL-3.0-only
"""Answers of random weights that talk, and call functions behind a control token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine_tools import GREEDY, seeded, side_by_side
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.engine.grammar.grammar import Grammar
from sentiric_llama.errors import InvalidArgument, InvalidGrammar
from sentiric_llama.types import Completion, Request, SamplingParams, TokenLogprob
from sentiric_llama.types import Grammar as PlainGrammar

NUM_ANSWERS = 200
MARK = "<|im_start|>"
TOOLS: dict[str, dict[str, Any]] = {
    "look": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}, "days": {"enum": [1, 3, 7]}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "add": {"type": "array", "items": {"type": "integer", "maximum": 9}, "maxItems": 3},
}


def call_of(name: str) -> dict[str, Any]:
    return {"sequence": [{"text": f"{name} "}, {"schema": TOOLS[name]}, {"text": "\n"}]}


TALK = {"free": [MARK]}
CALLS = {
    "sequence": [
        TALK,
        {
            "repeat": {
                "sequence": [{"text": MARK}, {"choice": [call_of(name) for name in TOOLS]}, TALK]
            },
            "min": 1,
            "max": 3,
        },
    ]
}


@pytest.fixture(scope="module")
def qwen(qwen2_q8_0: Path) -> Iterator[Engine]:
    with Engine(str(qwen2_q8_0), contexts=8, context_size=512, compute_threads=1) as engine:
        yield engine


def mark_id(engine: Engine) -> int:
    (token,) = engine.tokenize(MARK, parse_special=True)
    return token


def hot(engine: Engine, seed: int) -> SamplingParams:
    """Inclined to call and to end, and otherwise open to everything."""
    bias = {mark_id(engine): 9.0, engine.info.eos: 9.0}
    return replace(seeded(seed), temperature=1.5, top_k=60, logit_bias=bias)


def check(text: str) -> int:
    """The number of calls in an answer, all of which are valid; their strings may hold the mark."""
    count = 0
    while MARK in text:
        name, rest = text.split(MARK, 1)[1].split(" ", 1)
        value, end = json.JSONDecoder().raw_decode(rest)
        jsonschema.validate(value, TOOLS[name])
        assert rest[end] == "\n"
        text, count = rest[end:], count + 1
    return count


def test_answers_of_random_weights_follow_their_structure(qwen: Engine) -> None:
    grammar = Grammar.from_structure(CALLS)

    def eighth(first: int) -> list[Completion]:
        return [
            qwen.generate(
                f"Number {number}:",
                hot(qwen, number),
                grammar=grammar,
                shown_tokens=[MARK],
                max_tokens=300,
            )
            for number in range(first, NUM_ANSWERS, 8)
        ]

    parts = side_by_side(*(lambda first=first: eighth(first) for first in range(8)))
    answers = [answer for part in parts for answer in part]
    finished = [answer for answer in answers if answer.finish_reason == "stop"]
    counts = [check(answer.text) for answer in finished]
    assert len(answers) == NUM_ANSWERS
    assert len(finished) > 0.9 * NUM_ANSWERS
    assert set(counts) == {1, 2, 3}
    assert all(grammar.is_prefix(answer.text) for answer in answers)
    assert all(mark_id(qwen) in answer.tokens for answer in finished)


def test_only_those_who_ask_see_control_tokens(qwen: Engine) -> None:
    options = {"max_tokens": 12}
    wants_it = replace(GREEDY, logit_bias={mark_id(qwen): 100.0})
    hidden = qwen.generate("Hi", wants_it, **options)
    shown = qwen.generate("Hi", wants_it, shown_tokens=[MARK], **options)
    assert hidden.tokens == shown.tokens == (mark_id(qwen),) * 12
    assert (hidden.text, shown.text) == ("", MARK * 12)
    stopped = qwen.generate("Hi", wants_it, shown_tokens=[MARK], stop=f">{MARK}", **options)
    assert (stopped.text, stopped.finish_reason) == (MARK[:-1], "stop")


def test_stop_strings_do_not_count_in_calls(qwen: Engine) -> None:
    call = {"text": f"I look. {MARK}look I look."}
    options = {"grammar": Grammar.from_structure(call), "shown_tokens": [MARK]}
    whole = qwen.generate("Hi", GREEDY, call_marks=[MARK], stop="look I", **options)
    assert (whole.text, whole.stop_string) == (f"I look. {MARK}look I look.", None)
    stopped = qwen.generate("Hi", GREEDY, call_marks=[MARK], stop="look", **options)
    assert (stopped.text, stopped.stop_string) == ("I ", "look")
    opening = qwen.generate("Hi", GREEDY, call_opening="I l", stop="look", **options)
    assert (opening.text, opening.stop_string) == (whole.text, None)
    inside = qwen.generate("Hi", GREEDY, call_opening="look", stop="look I", **options)
    assert (inside.text, inside.stop_string) == (f"I look. {MARK}", "look I")


def test_their_pieces_are_in_logprobs(qwen: Engine) -> None:
    wants_it = replace(GREEDY, logit_bias={mark_id(qwen): 100.0}, top_logprobs=1)
    answer = qwen.generate("Hi", wants_it, shown_tokens=[MARK], max_tokens=2)
    chosen: list[TokenLogprob] = [entry.chosen for entry in answer.logprobs]
    assert [entry.piece for entry in chosen] == [MARK.encode()] * 2


def test_end_tokens_and_unknown_texts_are_no_text(qwen: Engine) -> None:
    ends = replace(GREEDY, logit_bias={qwen.info.eos: 100.0})
    (end,) = qwen.token_bytes([qwen.info.eos])
    answer = qwen.generate("Hi", ends, shown_tokens=[end.decode(), "<never>"], max_tokens=9)
    assert (answer.text, answer.finish_reason, len(answer.tokens)) == ("", "stop", 1)


def test_a_forced_mark_is_its_control_token(qwen: Engine) -> None:
    structure = {"sequence": [{"text": f"calling now: {MARK}look"}, {"regex": "[a-z]{3}"}]}
    answer = qwen.generate(
        "Hi", GREEDY, grammar=Grammar.from_structure(structure), shown_tokens=[MARK]
    )
    assert answer.text.startswith(f"calling now: {MARK}look")
    assert mark_id(qwen) in answer.tokens
    hidden = qwen.generate("Hi", GREEDY, grammar=Grammar.from_structure(structure))
    assert hidden.text.startswith(f"calling now: {MARK}look")
    assert mark_id(qwen) not in hidden.tokens


def test_a_resumed_answer_goes_on_behind_control_tokens(qwen: Engine) -> None:
    request = Request(
        text="Number 3:",
        sampling=hot(qwen, 3),
        grammar=Grammar.from_structure(CALLS),
        shown_tokens=[MARK],
        max_tokens=120,
    )
    with qwen.submit(request) as stream:
        whole = [token for delta in stream for token in delta.tokens]
    for cut in range(1, len(whole) - 1, 7):
        with qwen.submit(replace(request, delivered=whole[:cut])) as stream:
            assert whole[:cut] + [token for delta in stream for token in delta.tokens] == whole


def test_errors_name_the_tool(qwen: Engine) -> None:
    text = json.dumps({"choice": [call_of("look"), {"schema": {"minimum": "3"}}]})
    with pytest.raises(InvalidGrammar) as caught:
        qwen.generate("Hi", grammar=PlainGrammar("structure", text))
    assert caught.value.where == "structure/choice/1/schema:/minimum"


@pytest.mark.parametrize("texts", [[""], ["x" * 257], ["x"] * 33])
def test_wrong_texts_are_refused(qwen: Engine, texts: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        qwen.generate("Hi", shown_tokens=texts)
    assert caught.value.where.startswith("shown_tokens")
