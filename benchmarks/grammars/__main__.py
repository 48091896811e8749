# SPDX-License-Identifier: AGPL-3.0-only
"""The command: `python -m benchmarks.grammars [--schemas 500]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib import metadata

from benchmarks import results
from benchmarks.__main__ import finish
from benchmarks.grammars import report, vocabulary
from benchmarks.grammars.engines import ENGINES
from benchmarks.grammars.measure import CaseResult, measure_all, metrics
from benchmarks.grammars.schemas import cases
from benchmarks.measures import summarise
from benchmarks.runner import Outcome, one_line
from benchmarks.scenario import OURS, Run

SEED = 20261130
OTHERS = [name for name in ENGINES if name != OURS]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0, or 2 when something is missing."""
    arguments = parser().parse_args(argv)
    others = arguments.others or OTHERS[:1]
    if unknown := set(others) - set(OTHERS):
        print(f"benchmarks: got {unknown}, allowed {OTHERS}", file=sys.stderr)
        return 2
    run = Run(pairs=arguments.pairs, seed=arguments.seed)
    head = results.opening(run, ["grammars", *(sys.argv[1:] if argv is None else argv)])
    try:
        outcomes = [measure(other, arguments.schemas, run) for other in others]
    except (ImportError, FileNotFoundError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return finish(head, outcomes, write_readme=False)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.grammars",
        description="Compiles schemas and masks a vocabulary along texts of them.",
    )
    found.add_argument("others", nargs="*", metavar="ENGINE", help=", ".join(OTHERS))
    found.add_argument("--schemas", type=int, default=500)
    found.add_argument("--pairs", type=int, default=3, help="rounds over all schemas; default 3")
    found.add_argument("--seed", type=int, default=SEED, help="of the schemas and texts")
    return found


def measure(other: str, num_schemas: int, run: Run) -> Outcome:
    """Ours and another engine: all rounds over the same schemas, each from cold grammars."""
    started = time.monotonic()
    tokens = vocabulary.load()
    tokenizer = vocabulary.tokenizer(tokens)
    engines = [ENGINES[name](tokens, tokenizer) for name in (OURS, other)]
    title = f"{num_schemas} JSON schemas, ours and {other}"
    outcome = Outcome(f"grammars-{other}", title, vocabulary.NAME)
    outcome.commands = {other: [f"{other} {metadata.version(other)}"]}
    found: list[CaseResult] = []
    for _ in range(run.pairs):
        found = list(measure_all(engines, cases(num_schemas, run.seed), tokenizer.tokenize_str))
        outcome.rounds.append({engine.name: metrics(found, engine.name) for engine in engines})
    outcome.load = load_of(tokens.size, found)
    figures = [summarise(figure, outcome.rounds) for figure in report.figures(other)]
    outcome.figures = [figure for figure in figures if figure is not None]
    for line in (*report.lines(found), *map(one_line, outcome.figures)):
        print(line, flush=True)
    outcome.seconds = round(time.monotonic() - started, 1)
    return outcome


def load_of(num_tokens: int, found: Sequence[CaseResult]) -> dict[str, int]:
    """How much was measured."""
    shared = [result for result in found if result.is_shared]
    return {
        "vocabulary": num_tokens,
        "schemas": len(found),
        "schemas_compared": len(shared),
        "masks_compared": sum(len(result.tokens) + 1 for result in shared),
        "median_schema_bytes": sorted(len(result.case.schema) for result in found)[len(found) // 2],
    }


if __name__ == "__main__":
    sys.exit(main())
