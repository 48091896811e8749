# SPDX-License-Identifier: AGPL-3.0-only
"""Every engine over every schema in turn. Times are processor time of this thread, microseconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.grammars.engines import Engine, Position, RefusedError
from benchmarks.grammars.schemas import Case
from benchmarks.measures import percentile
from benchmarks.scenario import Metrics


@dataclass
class Measured:
    """One engine on one schema. `trouble` is why it has no part in the comparison, or empty."""

    compile_us: float = 0.0
    masks_us: list[float] = field(default_factory=list)
    again_us: list[float] = field(default_factory=list)
    """The same mask a second time: for ours a look-up and the copy into an array."""
    advances_us: list[float] = field(default_factory=list)
    compiled: bool = True
    trouble: str = ""


@dataclass(frozen=True)
class CaseResult:
    case: Case
    tokens: Sequence[int]
    engines: dict[str, Measured]

    @property
    def is_shared(self) -> bool:
        """Whether all engines compiled the schema and accepted the text."""
        return not any(measured.trouble for measured in self.engines.values())


def measure_all(
    engines: Sequence[Engine], cases: Iterable[Case], cut: Callable[[str], list[int]]
) -> Iterator[CaseResult]:
    """Engines take turns at going first."""
    for number, case in enumerate(cases):
        tokens = cut(case.text)
        first = number % len(engines)
        turns = [*engines[first:], *engines[:first]]
        found = {engine.name: measure_one(engine, case.schema, tokens) for engine in turns}
        yield CaseResult(case, tokens, {engine.name: found[engine.name] for engine in engines})


def measure_one(engine: Engine, schema: str, tokens: Sequence[int]) -> Measured:
    measured = Measured()
    start = time.thread_time_ns()
    try:
        position = engine.compile(schema)
    except RefusedError as error:
        return Measured(compiled=False, trouble=f"refused: {error}")
    measured.compile_us = _since(start)
    measured.trouble = _follow(position, tokens, measured)
    return measured


def _follow(position: Position, tokens: Sequence[int], measured: Measured) -> str:
    """A mask before each token and one after the last. Returns what went wrong, or nothing."""
    for number, token in enumerate(tokens):
        _masks(position, measured)
        start = time.thread_time_ns()
        is_allowed = position.advance(token)
        measured.advances_us.append(_since(start))
        if not is_allowed:
            return f"token {number} of the text is not allowed"
    if not position.can_end():
        return "the text may not end"
    _masks(position, measured)
    return ""


def _masks(position: Position, measured: Measured) -> None:
    for samples in (measured.masks_us, measured.again_us):
        start = time.thread_time_ns()
        position.mask()
        samples.append(_since(start))


def _since(start: int) -> float:
    return (time.thread_time_ns() - start) / 1000


def metrics(results: Sequence[CaseResult], engine: str) -> Metrics:
    """Counts over all schemas, times over those that all engines share."""
    all_of = [result.engines[engine] for result in results]
    shared = [result.engines[engine] for result in results if result.is_shared]
    compiles = [measured.compile_us for measured in shared]
    masks = [us for measured in shared for us in measured.masks_us]
    again = [us for measured in shared for us in measured.again_us]
    advances = [us for measured in shared for us in measured.advances_us]
    return {
        "compiled": sum(measured.compiled for measured in all_of),
        "accepted": sum(not measured.trouble for measured in all_of),
        **_spread("compile", compiles),
        **_spread("mask", masks),
        **_spread("mask_again", again),
        **_spread("advance", advances),
    }


def _spread(name: str, values: Sequence[float]) -> Metrics:
    return {
        f"{name}_mean_us": round(sum(values) / max(1, len(values)), 2),
        **{
            f"{name}_p{share}_us": round(percentile(values, share / 100), 2)
            for share in (50, 95, 99)
        },
        f"{name}_max_us": round(max(values, default=0.0), 2),
    }
