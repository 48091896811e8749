# SPDX-License-Identifier: AGPL-3.0-only
"""Runs scenarios pair by pair: A B A B, the other side standing still."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.client import RequestFailed
from benchmarks.measures import Summary, summarise
from benchmarks.scenario import (
    PEER,
    Figure,
    Metrics,
    Round,
    Run,
    Scenario,
    Side,
    WrongCount,
    against_build,
)
from benchmarks.servers import Server, ServerFailed

EXPECTED = (RequestFailed, WrongCount, ServerFailed)


@dataclass
class Outcome:
    """One scenario's result. `failure` is empty unless a request failed or a count was wrong."""

    name: str
    title: str
    model: str
    load: dict[str, Any] = field(default_factory=dict)
    curve: tuple[str, str] = ("", "")
    commands: dict[str, list[str]] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    figures: list[Summary] = field(default_factory=list)
    seconds: float = 0.0
    failure: str = ""


def run_all(scenarios: Sequence[Scenario], run: Run) -> Iterator[Outcome]:
    """Every scenario, also after one of them failed."""
    for number, scenario in enumerate(scenarios, 1):
        run.progress(f"[{number}/{len(scenarios)}] {scenario.name}: {scenario.title}")
        yield run_one(scenario, run)


def run_one(scenario: Scenario, run: Run) -> Outcome:
    """One scenario; what goes wrong becomes its `failure`, and what was measured stays."""
    outcome = Outcome(scenario.name, scenario.title, scenario.spec(run).name)
    outcome.load, outcome.curve = dict(scenario.load(run)), scenario.curve
    started = time.monotonic()
    try:
        with ExitStack() as stack:
            sides = scenario.sides(stack, run)
            outcome.commands = {name: command_of(side) for name, side in sides.items()}
            measure_pairs(scenario, run, sides, outcome.rounds)
        scenario.check(outcome.rounds)
    except Exception as error:
        outcome.failure = f"{type(error).__name__}: {error}"
        run.progress(f"    FAILED {outcome.failure}")
        if not isinstance(error, EXPECTED):  # a defect of the harness
            run.progress(traceback.format_exc())
    outcome.seconds = round(time.monotonic() - started, 1)
    found = [summarise(figure, outcome.rounds) for figure in figures_of(scenario, run)]
    outcome.figures = [summary for summary in found if summary is not None]
    for summary in outcome.figures:
        run.progress("    " + one_line(summary))
    if not outcome.figures and not outcome.failure:
        run.progress("    nothing to compare with: this build lacks the other side")
    run.progress(f"    {outcome.seconds:.0f} s")
    return outcome


def figures_of(scenario: Scenario, run: Run) -> list[Figure]:
    if run.against is None:
        return list(scenario.figures)
    of_peer = [figure for figure in scenario.figures if figure.other.startswith(f"{PEER}.")]
    return [against_build(figure, run.against) for figure in of_peer]


def measure_pairs(
    scenario: Scenario, run: Run, sides: dict[str, Side], rounds: list[Round]
) -> None:
    """A round measures every side once, with equal prompts; each is kept as soon as it is whole."""
    pairs = scenario.default_pairs or run.pairs
    for number in range(min(pairs, run.pairs)):
        sample: Round = {}
        for name, side in sides.items():
            sample[name] = measure(scenario, run, side, number)
            run.progress(f"    pair {number + 1}: {name:26} {shown(sample[name])}")
        rounds.append(sample)


def measure(scenario: Scenario, run: Run, side: Side, number: int) -> Metrics:
    """What the scenario measures, and the processor time that a server spent meanwhile."""
    side.resume()
    try:
        if not isinstance(side, Server):
            return scenario.measure(side, run, number)
        before = side.cpu_s()
        metrics = scenario.measure(side, run, number)
        return metrics | {"cpu_s": side.cpu_s() - before}
    finally:
        side.pause()


def command_of(side: Side) -> list[str]:
    """How the side was started, without the places of this machine."""
    if not isinstance(side, Server):
        return []
    return [part.rpartition("/")[2] for part in side.command]


def shown(metrics: Metrics) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())


def one_line(summary: Summary) -> str:
    """`tokens per second: ours 21, llama-server 20 tok/s; ratio 1.05 (1.02 to 1.09)` and goal."""
    met = {None: "", True: f", goal {summary.goal} met", False: f", goal {summary.goal} missed"}
    other = f", {summary.other_side} {summary.other:.4g}" if summary.other_side else ""
    return (
        f"{summary.label}: ours {summary.ours:.4g}{other} {summary.unit}; "
        f"{summary.kind} {summary.ratio:.3g} ({summary.low:.3g} to {summary.high:.3g})"
        f"{met[summary.met]}"
    )
