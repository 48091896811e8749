# SPDX-License-Identifier: AGPL-3.0-only
"""Streams of JSON schemas beside free ones: what the masks of half of a batch cost a step."""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import mean
from typing import Any

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
    on both, while all sixteen run. The schemas are new in each pair, so their masks are cold."""

    name = "grammars-beside"
    title = "8 streams of 8 JSON schemas beside 8 free ones, in process"
    loads = sizes(
        quick={"prompt": 16, "tokens": 48},
        standard={"prompt": 32, "tokens": 96},
    )
    figures = (
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
            grammars[half:] = [Grammar.from_json_schema(schema(rng)) for _ in range(half)]
        gaps = side.engine.gaps(grammars, load["prompt"], load["tokens"], seed=number)
        steps = [1000 * gap for each in gaps[:half] for gap in each]
        return {"step_ms": mean(steps), "step_p99_ms": percentile(steps, 0.99)}


def schema(rng: random.Random) -> dict[str, Any]:
    """A list of records that is too long to end. Every schema has other names and bounds."""
    kinds: list[dict[str, Any]] = [
        {"type": "string"},
        {"type": "string", "maxLength": rng.randint(10, 200)},
        {"type": "string", "format": rng.choice(["email", "date-time", "uuid", "uri"])},
        {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
        {"type": "integer", "minimum": 0, "maximum": rng.randint(10, 100000)},
        {"type": "number"},
        {"enum": [f"value {rng.randrange(1000)}" for _ in range(5)]},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 5},
    ]
    rng.shuffle(kinds)
    record: dict[str, Any] = {
        "type": "object",
        "properties": {f"field_{rng.randrange(10**6)}": kind for kind in kinds},
        "required": [],
    }
    record["required"] = list(record["properties"])
    if rng.random() < 0.5:
        record["additionalProperties"] = False
    return {"type": "array", "items": record, "minItems": 1000}
