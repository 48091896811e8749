# SPDX-License-Identifier: AGPL-3.0-only
"""The command: `python -m benchmarks [SCENARIO ...] [--size quick]`."""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine, models, plot, results, table, tools
from benchmarks.runner import Outcome, run_all
from benchmarks.scenario import OURS, PEER, SIZES, HttpScenario, OtherBuild, Run, Scenario
from benchmarks.scenarios import CATALOGUE
from benchmarks.shapes import parse_spec

PAIRS = {"quick": 2, "standard": 5, "spec": 5}
TOOLS = ("llama-server", "llama-bench", "llama-batched-bench", "bench-quantize")


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0, 1 when a request failed or a count was wrong, 2 when something is missing."""
    arguments = parser().parse_args(argv)
    try:
        if arguments.scenarios[:1] == ["models"]:
            return make_models(arguments.scenarios[1:])
        if arguments.scenarios[:1] == ["table"]:
            return write_table([Path(name) for name in arguments.scenarios[1:]])
        return measure(arguments, sys.argv[1:] if argv is None else argv)
    except (FileNotFoundError, ValueError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures this engine against llama.cpp's own tools, in pairs.",
        epilog="other commands: models SHAPE[:TYPE[:WIRING]] ... makes model files; "
        "table FILE ... writes results into benchmarks/README.md",
    )
    found.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(CATALOGUE))
    found.add_argument("--size", choices=SIZES, default="standard", help="default: standard")
    found.add_argument("--pairs", type=int, help="pairs of each scenario; default 5, quick 2")
    found.add_argument("--threads", type=int, help="of both sides; default: physical cores")
    found.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    found.add_argument("--model", type=parse_spec, help="replaces the large model, SHAPE:TYPE")
    found.add_argument(
        "--against",
        type=parse_build,
        metavar="NAME=PYTHON",
        help="compare with the build that this interpreter has, instead of llama-server",
    )
    found.add_argument("--seed", type=int, help="of all prompts; default: the clock's")
    found.add_argument("--no-table", action="store_true", help="leave benchmarks/README.md alone")
    return found


def parse_build(text: str) -> OtherBuild:
    """`NAME=PYTHON`: what the tables call it, and its interpreter."""
    name, _, python = text.partition("=")
    is_name = re.fullmatch(r"[A-Za-z0-9_-]+", name) and name not in (OURS, PEER)
    if not is_name or shutil.which(python) is None:
        raise argparse.ArgumentTypeError(f"got {text!r}, allowed NAME=PYTHON of another build")
    return OtherBuild(name, python)


def measure(arguments: argparse.Namespace, command: Sequence[str]) -> int:
    scenarios = chosen(arguments.scenarios, arguments.device)
    if arguments.against:
        refuse_without_sides(scenarios)
    for tool in () if arguments.against else TOOLS:
        tools.path(tool, arguments.device)
    run = Run(
        size=arguments.size,
        pairs=arguments.pairs or PAIRS[arguments.size],
        threads=arguments.threads or machine.cores(),
        device=arguments.device,
        seed=int(time.time()) if arguments.seed is None else arguments.seed,
        big=arguments.model,
        against=arguments.against,
        progress=lambda text: print(text, flush=True),
    )
    head = results.opening(run, [without_place(part) for part in command])
    print(f"load average {head['machine']['load_average_at_start']}, {run.threads} threads")
    prepare(scenarios, run)
    for number in (signal.SIGINT, signal.SIGTERM):  # servers end with their `with` blocks
        signal.signal(number, signal.default_int_handler)
    is_whole = not arguments.scenarios and run.size != "quick"
    outcomes: list[Outcome] = []
    try:
        for outcome in run_all(scenarios, run):
            outcomes.append(outcome)
            results.write(results.document(head, outcomes))  # an interrupted run leaves its part
    except KeyboardInterrupt:
        print("interrupted: what was measured is kept")
        is_whole = False
    return finish(head, outcomes, write_readme=is_whole and not arguments.no_table)


def chosen(names: Sequence[str], device: str) -> list[Scenario]:
    """The named scenarios and families, or all of this device. ValueError names what there is."""
    unknown = [name for name in names if not family(name)]
    if unknown:
        raise ValueError(f"unknown scenario; got {unknown[0]!r}, allowed {', '.join(CATALOGUE)}")
    if names:
        return [scenario for name in names for scenario in family(name)]
    return [scenario for scenario in CATALOGUE.values() if device in scenario.devices]


def without_place(part: str) -> str:
    """An argument as the results keep it: another build by its name alone."""
    name, equals, python = part.rpartition("=")
    return name if equals and "/" in python else part


def refuse_without_sides(scenarios: Sequence[Scenario]) -> None:
    """ValueError for scenarios that start their sides themselves, and so know no other build."""
    for scenario in scenarios:
        if not is_servers_only(scenario):
            able = [name for name, known in CATALOGUE.items() if is_servers_only(known)]
            raise ValueError(
                f"--against cannot be used with {scenario.name}; allowed {', '.join(able)}"
            )


def is_servers_only(scenario: Scenario) -> bool:
    """True when its sides are two servers with the same flags."""
    return type(scenario).sides is HttpScenario.sides


def family(name: str) -> list[Scenario]:
    """The scenario, or those whose names begin with it: `load` is `load-2x` and so on."""
    if name in CATALOGUE:
        return [CATALOGUE[name]]
    return [scenario for key, scenario in CATALOGUE.items() if key.startswith(f"{name}-")]


def prepare(scenarios: Sequence[Scenario], run: Run) -> None:
    """All model files, so that none is made between two measurements."""
    for scenario in scenarios:
        scenario.prepare(run)


def finish(head: dict[str, object], outcomes: Sequence[Outcome], *, write_readme: bool) -> int:
    document = results.document(head, outcomes)
    path = results.write(document)
    print(f"{sum(outcome.seconds for outcome in outcomes):.0f} s in all")
    print(f"written: {path.relative_to(tools.ROOT)}")
    if write_readme:
        write_table([path])
    else:
        print(f"for the table: python -m benchmarks table {path.relative_to(tools.ROOT)}")
    failed = results.failures(document)
    for line in failed:
        print(f"FAILED {line}", file=sys.stderr)
    return 1 if failed else 0


def make_models(names: Sequence[str]) -> int:
    for name in names:
        print(models.model(parse_spec(name)))
    return 0


def write_table(paths: Sequence[Path]) -> int:
    documents = [results.read(path) for path in paths]
    for document in documents:
        plot.draw_all(document, results.FOLDER)
    table.update(documents)
    print(f"written: {table.README.relative_to(tools.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
