# SPDX-License-Identifier: AGPL-3.0-only
"""python -m grammar.with_model 20000: what models with random weights say to random schemas.

Each schema is answered once at temperature 1.5 by the engine, sixteen at a time, and the answer is
judged; exits 1 when one is no JSON or invalid. --model names another file of models.py.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import models
from grammar.judge import Judges, NotJson, read
from grammar.random_schemas import random_schema
from grammar.schemas import Schema
from sentiric_llama import AsyncEngine, EngineConfig, Grammar, SamplingParams
from sentiric_llama.errors import InvalidGrammar

STREAMS = 16
MAX_TOKENS = 160
BATCH = 400
CLOSING = 6.0
"""Added to what ends a string, list or object: random weights would hardly ever do it."""


@dataclass(frozen=True)
class Answer:
    number: int
    dialect: str
    schema: Schema
    text: str
    is_whole: bool
    """False where the tokens did not suffice."""


async def answer(engine: AsyncEngine, number: int, bias: dict[int, float]) -> Answer | None:
    """None where the compiler refuses the schema."""
    dialect, schema = random_schema(number)
    sampling = SamplingParams(temperature=1.5, top_k=0, top_p=1.0, seed=number, logit_bias=bias)
    try:
        made = await engine.generate(
            f"{number}:",
            sampling,
            json_schema=json.dumps(schema, ensure_ascii=False),
            max_tokens=MAX_TOKENS,
        )
    except InvalidGrammar:
        return None
    return Answer(number, dialect, schema, made.text, not made.unfinished)


def fault(made: Answer, judges: Judges) -> str:
    """What is wrong with an answer; empty if nothing is."""
    if not made.is_whole:
        grammar = Grammar.from_json_schema(made.schema)
        return "" if grammar.is_prefix(made.text) else "the beginning is not allowed"
    try:
        read(made.text)
    except NotJson as error:
        return f"not JSON: {error}"
    verdict = judges.verdicts(made.dialect, made.schema, [made.text])[0]
    return "invalid" if verdict and not any(verdict) else ""


async def answers(
    engine: AsyncEngine, numbers: Sequence[int], bias: dict[int, float]
) -> list[Answer | None]:
    places = asyncio.Semaphore(2 * STREAMS)

    async def one(number: int) -> Answer | None:
        async with places:
            return await answer(engine, number, bias)

    return await asyncio.gather(*map(one, numbers))


async def run(model: str, numbers: range) -> Counter[str]:
    """Prints each fault as it is found."""
    counts: Counter[str] = Counter()
    path = str(models.model(model))
    config = EngineConfig(path, contexts=STREAMS, context_size=512, compute_threads=2)
    with Judges() as judges:
        async with await AsyncEngine.open(config) as engine:
            bias = {}
            for text in ('"', "}", "]", '"}', '"]'):
                tokens = await engine.tokenize(text)
                bias |= {tokens[-1]: CLOSING} if tokens else {}
            for first in range(numbers.start, numbers.stop, BATCH):
                part = numbers[first - numbers.start :][:BATCH]
                for made in await answers(engine, part, bias):
                    if made is None:
                        counts["refused"] += 1
                        continue
                    counts["whole" if made.is_whole else "unfinished"] += 1
                    if what := fault(made, judges):
                        counts["wrong"] += 1
                        print(f"{made.number}: {what}: {made.text!r} of {made.schema}", flush=True)
                print(f"\r{dict(counts)}", end="", file=sys.stderr, flush=True)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=1_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--model", default="small-q8_0")
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.count)
    counts = asyncio.run(run(options.model, numbers))
    print(f"\n{options.model}: {dict(counts)}")
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
