# SPDX-License-Identifier: AGPL-3.0-only
"""Answers in every format are read as they were written, however they arrive."""

from __future__ import annotations

import json
import random

import pytest

from answers.sampler import Sampler
from sentiric_llama.engine.formats.answer_format import AnswerFormat, AnswerPlan, MarkedAnswer
from sentiric_llama.engine.formats.calls.generic import Generic
from sentiric_llama.engine.formats.calls.harmony import Harmony
from sentiric_llama.engine.formats.calls.llama3 import Llama3
from sentiric_llama.engine.formats.find import FORMATS
from sentiric_llama.engine.formats.reader import AnswerReader
from sentiric_llama.engine.formats.thoughts import KNOWN
from sentiric_llama.types import Tool
from sentiric_llama.types.answer import Answer, Kind, Piece, join_pieces

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "note": {"type": ["string", "null", "integer"]},
        "where": {
            "type": "object",
            "properties": {"x": {"type": "number"}, "y": {"type": "string"}},
        },
        "tags": {"type": "array", "items": {"type": "string"}},
        "mode": {"enum": ["a", "b"]},
        "flag": {"type": "boolean"},
    },
}
TOOLS = (
    Tool("get_weather", "", json.dumps(SCHEMA)),
    Tool("get", "", ""),
    Tool(
        "get_weather_2", "", json.dumps({"type": "object", "properties": {"q": {"type": "string"}}})
    ),
)
CALLS = [*FORMATS, Generic()]
ANSWERS = [MarkedAnswer(KNOWN[0], form) for form in CALLS] + [Harmony()]
IDS = [form.calls.name for form in ANSWERS]


def read(form: AnswerFormat, plan: AnswerPlan, parts: list[str]) -> list[Piece]:
    reader = AnswerReader(form, plan)
    pieces = [piece for part in parts for piece in reader.feed(part)]
    return join_pieces(pieces + reader.end())


def splits(text: str, rng: random.Random) -> list[list[str]]:
    places = sorted(rng.sample(range(len(text) + 1), min(len(text), 5)))
    cuts = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    return [list(text), cuts, *([text[:i], text[i:]] for i in range(len(text)))]


@pytest.mark.parametrize("calling", ["auto", "required"])
@pytest.mark.parametrize("form", ANSWERS, ids=IDS)
def test_what_a_structure_allows_is_read_back(form: AnswerFormat, calling: str) -> None:
    plan = AnswerPlan(TOOLS, calling)
    for seed in range(150):
        sampler = Sampler(seed)
        text = sampler.write(form.structure(plan))
        pieces = read(form, plan, [text])
        assert all(piece.kind is not Kind.MALFORMED for piece in pieces), text
        arguments = [json.loads(p.text) for p in pieces if p.kind is Kind.ARGUMENTS]
        assert arguments == sampler.written, text
        names = [p.text for p in pieces if p.kind is Kind.CALL]
        assert len(names) == len(arguments)
        assert len(names) >= (calling == "required")


@pytest.mark.parametrize("form", ANSWERS, ids=IDS)
def test_splits_make_no_difference(form: AnswerFormat) -> None:
    plan = AnswerPlan(TOOLS, "auto")
    rng = random.Random(7)
    for seed in range(12):
        text = Sampler(seed, max_repeat=2).write(form.structure(plan))
        whole = read(form, plan, [text])
        for parts in splits(text, rng):
            assert read(form, plan, parts) == whole, parts


@pytest.mark.parametrize("form", ANSWERS, ids=IDS)
def test_anything_can_be_read(form: AnswerFormat) -> None:
    """Damaged answers: no exception, no text lost unless it belongs to a call, any split alike."""
    plan = AnswerPlan(TOOLS, "auto")
    for seed in range(300):
        rng = random.Random(seed)
        text = Sampler(seed, max_repeat=2).write(form.structure(plan))
        for _ in range(rng.randrange(1, 5)):
            place, size = rng.randrange(len(text) + 1), rng.randrange(4)
            text = (
                text[:place] + rng.choice(["", "{", '"', "<", "x", text[:9]]) + text[place + size :]
            )
        whole = read(form, plan, [text])
        assert read(form, plan, list(text)) == whole
        cut = sorted(rng.sample(range(len(text) + 1), min(3, len(text))))
        parts = [text[a:b] for a, b in zip([0, *cut], [*cut, len(text)], strict=True)]
        assert read(form, plan, parts) == whole


def made(pieces: list[Piece]) -> list[object]:
    """The arguments of the calls that are whole."""
    found: list[object] = []
    for piece in pieces:
        if piece.kind is Kind.ARGUMENTS:
            try:
                found.append(json.loads(piece.text))
            except ValueError:
                continue
    return found


@pytest.mark.parametrize("form", ANSWERS, ids=IDS)
def test_a_call_that_was_cut_is_not_taken_for_another_one(form: AnswerFormat) -> None:
    plan = AnswerPlan(TOOLS, "required", parallel=False)
    for seed in range(25):
        sampler = Sampler(seed)
        text = sampler.write(form.structure(plan))
        for end in range(len(text)):
            whole = made(read(form, plan, [text[:end]]))
            assert whole in ([], sampler.written), text[:end]


@pytest.mark.parametrize("form", ANSWERS, ids=IDS)
def test_a_mark_that_was_cut_is_no_text(form: AnswerFormat) -> None:
    """What is left of an answer that was cut off is the beginning of what the whole one says."""
    plan = AnswerPlan(TOOLS, "auto")
    for seed in range(12):
        text = Sampler(seed, max_repeat=2).write(form.structure(plan))
        whole = Answer.of(read(form, plan, [text]))
        for end in range(len(text)):
            reader = AnswerReader(form, plan)
            answer = Answer.of(join_pieces(reader.feed(text[:end]) + reader.end(was_cut=True)))
            assert whole.text.startswith(answer.text.rstrip()), text[:end]
            assert whole.thought.startswith(answer.thought.rstrip()), text[:end]


def test_text_that_looks_like_a_mark_stays_unless_it_was_cut() -> None:
    form = MarkedAnswer(KNOWN[0], FORMATS[0])
    said = f"a {form.calls.marks[0][:-1]}"
    plan = AnswerPlan(TOOLS, "auto")
    assert read(form, plan, [said]) == [Piece(Kind.TEXT, said)]
    reader = AnswerReader(form, plan)
    assert Answer.of(reader.feed(said) + reader.end(was_cut=True)).text.rstrip() == "a"


def test_json_without_a_mark_is_no_broken_call() -> None:
    form = MarkedAnswer(KNOWN[0], Llama3())
    plan = AnswerPlan(TOOLS, "auto", body={"schema": {"type": "object"}}, may_think=False)
    text = '{"city": "Ankara"}'
    assert read(form, plan, [text]) == [Piece(Kind.TEXT, text)]


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("function-gemma", "<start_function_call>call:f{KEY:0}<end_function_call>"),
        (
            "qwen-coder",
            "<tool_call>\n<function=f>\n<parameter=KEY>\n0\n</parameter>\n</function>\n</tool_call>",
        ),
    ],
)
def test_a_name_within_the_arguments_may_be_long(name: str, call: str) -> None:
    """A schema may allow names of any length, and what the grammar allows must be read."""
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    plan = AnswerPlan((Tool("f", "", json.dumps(schema)),), "required")
    form = next(each for each in FORMATS if each.name == name)
    reader = AnswerReader(MarkedAnswer(KNOWN[0], form), plan)
    answer = Answer.of(reader.feed(call.replace("KEY", "k" * 1000)) + reader.end())
    assert [json.loads(each.arguments) for each in answer.calls] == [{"k" * 1000: 0}]
