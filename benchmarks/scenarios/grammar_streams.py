# SPDX-License-Identifier: AGPL-3.0-only
"""Streams of JSON schemas beside free ones: what the masks of half of a batch cost a step."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import mean
from typing import Any, ClassVar

from benchmarks.in_process import OwnEngine
from benchmarks.measures import percentile
from benchmarks.scenario import Figure, Metrics, Run, Scenario, Side, choose_model, sizes
from benchmarks.shapes import LARGE, ModelSpec
from sentiric_llama import Grammar

STREAMS = 16
FREE, BESIDE = "all free", "ours"


@dataclass(frozen=True, slots=True)
class Batch:
    """One engine, with schemas for half of its streams or for none."""

    engine: OwnEngine
    has_schemas: bool

    def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass


class GrammarsBeside(Scenario):
    """Both sides run on the same engine. The step time is that of the eight streams that are free
    on both, while all sixteen run. The schemas are new in each pair, so their masks are cold. They
    force hardly any text, which would make steps of more tokens."""

    name = "grammars-beside"
    title = "8 streams of 8 JSON schemas of values beside 8 free ones, in process"
    has_names = False
    loads = sizes(
        quick={"prompt": 16, "tokens": 48},
        standard={"prompt": 32, "tokens": 96},
    )
    figures: ClassVar[Sequence[Figure]] = (
        Figure("step, mean", "ms", f"{BESIDE}.step_ms", f"{FREE}.step_ms", "<= 1.1"),
        Figure("step, p99", "ms", f"{BESIDE}.step_p99_ms", f"{FREE}.step_p99_ms"),
    )

    def spec(self, run: Run) -> ModelSpec:
        return choose_model(run, ModelSpec("quick"), ModelSpec(LARGE))

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        load = self.load(run)
        size = load["prompt"] + load["tokens"] + 64
        own = OwnEngine(self.model(run), STREAMS, size, run.threads, run.device)
        engine = stack.enter_context(own)
        engine.gaps([None] * STREAMS, load["prompt"], load["tokens"], seed=0)
        return {BESIDE: Batch(engine, True), FREE: Batch(engine, False)}

    def measure(self, side: Any, run: Run, number: int) -> Metrics:
        load: Mapping[str, Any] = self.load(run)
        half = STREAMS // 2
        grammars: list[Grammar | None] = [None] * STREAMS
        if side.has_schemas:
            rng = random.Random(run.seed * 1000 + number)
            grammars[half:] = [
                Grammar.from_json_schema(schema(rng, self.has_names)) for _ in range(half)
            ]
        start = time.monotonic()
        gaps = side.engine.gaps(grammars, load["prompt"], load["tokens"], seed=number)
        wall = time.monotonic() - start
        steps = [1000 * gap for each in gaps[:half] for gap in each]
        return {"step_ms": mean(steps), "step_p99_ms": percentile(steps, 0.99), "wall_s": wall}


class GrammarsOfRecords(GrammarsBeside):
    """The names of members are forced: a step takes them as so many more tokens."""

    name = "grammars-records"
    title = "8 streams of 8 JSON schemas of records beside 8 free ones, in process"
    has_names = True
    figures: ClassVar[Sequence[Figure]] = (
        Figure("step, mean", "ms", f"{BESIDE}.step_ms", f"{FREE}.step_ms"),
        Figure("step, p99", "ms", f"{BESIDE}.step_p99_ms", f"{FREE}.step_p99_ms"),
        Figure("time of all", "s", f"{BESIDE}.wall_s", f"{FREE}.wall_s"),
    )


def schema(rng: random.Random, has_names: bool) -> dict[str, Any]:
    """A list that is too long to end. Every schema has other bounds, names and texts."""
    kinds: list[dict[str, Any]] = [
        {"type": "string"},
        {"type": "string", "maxLength": rng.randint(10, 200)},
        {"type": "string", "format": rng.choice(["email", "date-time", "uuid", "uri"])},
        {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
        {"type": "integer", "minimum": 0, "maximum": rng.randint(10, 100000)},
        {"type": "number"},
        {"enum": [f"{rng.randrange(1000)} values" for _ in range(5)]},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 5},
    ]
    rng.shuffle(kinds)
    if not has_names:
        return {"type": "array", "items": {"anyOf": kinds}, "minItems": 1000}
    record: dict[str, Any] = {
        "type": "object",
        "properties": {f"field_{rng.randrange(10**6)}": kind for kind in kinds},
        "required": [],
    }
    record["required"] = list(record["properties"])
    if rng.random() < 0.5:
        record["additionalProperties"] = False
    return {"type": "array", "items": record, "minItems": 1000}
