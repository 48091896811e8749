# SPDX-License-Identifier: AGPL-3.0-only
"""python -m answers.with_model 100: what models with random weights call, in every format.

For each format and each of so many random schemas of arguments that have valid values, a call is
demanded once at temperature 1.5, sixteen at a time. Its arguments are judged by the schema, and
what was read while it streamed is compared with what the whole says. Exits 1 at a difference or an
invalid call. Schemas that cannot be enforced are refused, and counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from typing import Any

import jsonschema

import models
from answers.schemas import tool_schema
from sentiric_llama import AsyncEngine, EngineConfig, SamplingParams
from sentiric_llama.engine.formats.answer_format import AnswerFormat, AnswerPlan, MarkedAnswer
from sentiric_llama.engine.formats.calls.generic import Generic
from sentiric_llama.engine.formats.calls.harmony import Harmony
from sentiric_llama.engine.formats.find import FORMATS
from sentiric_llama.engine.formats.node import dump
from sentiric_llama.engine.formats.reader import AnswerReader
from sentiric_llama.engine.formats.thoughts import KNOWN
from sentiric_llama.errors import InvalidArgument, InvalidGrammar
from sentiric_llama.types import Grammar, Request, Tool
from sentiric_llama.types.answer import Answer, Kind, Piece, join_pieces

STREAMS = 16
MAX_TOKENS = 400
CLOSING = 7.0
"""Added to what ends a string, list, object or member: random weights would hardly ever do it."""
CLOSERS = ('"', "}", "]", '"}', '"]', "</parameter>", "</arg_value>", "</function>")
CLOSERS += ("</tool_call>", "<escape>", '<|"|>', "｜DSML｜", "</think>", "<|end|>")
ANSWERS: list[AnswerFormat] = [MarkedAnswer(KNOWN[0], form) for form in (*FORMATS, Generic())]
ANSWERS.append(Harmony())


def plan_of(number: int) -> AnswerPlan:
    """One tool with a random schema, and two simple ones."""
    text = json.dumps(tool_schema(number), ensure_ascii=False)
    tools = (Tool(f"tool_{number}", "", text), Tool("now"), Tool("tool", "", '{"type":"object"}'))
    rng = random.Random(number)
    return AnswerPlan(
        tools[:1] if rng.random() < 0.8 else tools,
        "required",
        parallel=rng.random() < 0.5,
        may_think=rng.random() < 0.3,
    )


async def faults(
    engine: AsyncEngine, form: AnswerFormat, number: int, bias: dict[int, float]
) -> tuple[str, str]:
    """How the answer ended, and what is wrong with it; "" if nothing is."""
    plan = plan_of(number)
    try:
        grammar = Grammar("structure", dump(form.structure(plan) or {}))
        request = Request(
            text=f"{number}:",
            sampling=SamplingParams(
                temperature=1.5, top_k=0, top_p=1.0, min_p=0, seed=number, logit_bias=bias
            ),
            grammar=grammar,
            shown_tokens=(*form.shown, "<function=", "</function>", "<parameter=", "</parameter>"),
            max_tokens=MAX_TOKENS,
        )
        texts, pieces, reader = [], list[Piece](), AnswerReader(form, plan)
        async with engine.submit(request) as stream:
            async for delta in stream:
                texts.append(delta.text)
                pieces += reader.feed(delta.text)
                final = delta.final
    except (InvalidGrammar, InvalidArgument) as error:
        return "refused", "" if "json_schema" not in error.where else error.where
    pieces = join_pieces(pieces + reader.end())
    whole = AnswerReader(form, plan)
    if join_pieces(whole.feed("".join(texts)) + whole.end()) != pieces:
        return "split", "what streams differs from the whole"
    assert final is not None
    is_whole = final.finish_reason == "stop" and not final.unfinished
    return ("whole" if is_whole else "unfinished"), wrong(plan, pieces, is_whole=is_whole)


def wrong(plan: AnswerPlan, pieces: list[Piece], *, is_whole: bool) -> str:
    """What is wrong with the calls of an answer."""
    answer = Answer.of(pieces)
    if any(piece.kind is Kind.MALFORMED for piece in pieces):
        return f"malformed: {pieces}"
    if is_whole and not answer.calls:
        return f"no call: {pieces}"
    if is_whole and answer.text.strip():
        return f"text: {answer.text!r}"
    schemas: dict[str, Any] = {
        tool.name: json.loads(tool.parameters or "{}") for tool in plan.tools
    }
    for call in answer.calls if is_whole else answer.calls[:-1]:
        try:
            jsonschema.Draft202012Validator(schemas[call.name]).validate(json.loads(call.arguments))
        except (ValueError, KeyError, jsonschema.ValidationError) as error:
            return f"{type(error).__name__} {str(error)[:200]}: {call}"
    return ""


async def run(count: int, first: int = 0) -> tuple[Counter[str], list[str]]:
    """Counts by format and ending, and every fault."""
    counts: Counter[str] = Counter()
    found: list[str] = []
    places = asyncio.Semaphore(STREAMS)
    path = str(models.model("marks-q8_0"))
    config = EngineConfig(path, contexts=STREAMS, context_size=768, compute_threads=2)
    async with await AsyncEngine.open(config) as engine:
        bias = {}
        for text in CLOSERS:
            tokens = await engine.tokenize(text, parse_special=True)
            bias |= {tokens[-1]: CLOSING} if tokens else {}

        async def one(form: AnswerFormat, number: int) -> None:
            async with places:
                ending, fault = await faults(engine, form, number, bias)
            counts[f"{form.calls.name} {ending}"] += 1
            if fault:
                found.append(f"{form.calls.name} {number}: {fault}")

        jobs = [one(form, number) for form in ANSWERS for number in range(first, first + count)]
        await asyncio.gather(*jobs)
    return counts, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    counts, found = asyncio.run(run(options.count, options.first))
    print(*sorted(f"{name}: {number}" for name, number in counts.items()), sep="\n")
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
