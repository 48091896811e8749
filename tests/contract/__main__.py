# SPDX-License-Identifier: AGPL-3.0-only
"""python -m contract 20000: requests that the OpenAPI document allows, and some that it does not.

Exits 1 unless every answer is as documented, none is 5xx, half of each route's are 2xx, the log is
free of errors and the engine's books balance. --only TEXT tries operations that contain it.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

from contract.run import LOADING, MOST_SHOWN, Runner, Tally, shares
from contract.world import World

LEAST_SHARE = 0.5


def show(tally: Tally, seconds: float) -> None:
    """One row, and what was wrong."""
    statuses = " ".join(f"{code}:{n}" for code, n in sorted(tally.statuses.items()))
    share = f"{tally.share:6.1%}" if tally.succeeds else "  none"
    print(
        f"{tally.label:44}{tally.statuses.total():7}{share:>8}{seconds:7.0f} s  {statuses}",
        flush=True,
    )
    for problem, count in tally.problems.most_common(MOST_SHOWN):
        print(f"  WRONG {count} x {problem}\n        {tally.examples[problem]}", flush=True)


def show_refusals(tally: Tally) -> None:
    for text, count in tally.refusals.most_common(12):
        print(f"    {count:5} x {text}", flush=True)


def judged(tally: Tally) -> bool:
    """True if all is as it should be."""
    return not tally.problems and (tally.share >= LEAST_SHARE or not tally.succeeds)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", type=int, nargs="?", default=1_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--refusals", action="store_true", help="show why requests were refused")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of Hypothesis, about how it is called
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server ends as well
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            return tried(world, options)
        finally:
            world.close()


def tried(world: World, options: argparse.Namespace) -> int:
    """Runs all cases against the world; 0 if nothing is wrong."""
    runner = Runner(world, options.seed)
    operations = runner.operations(options.only)
    print(f"{'operation':44}{'cases':>7}{'2xx':>8}{'time':>9}  statuses", flush=True)
    world.cancel_one()
    tallies = []
    faults: list[str] = []
    for operation, count in zip(operations, shares(operations, options.cases), strict=True):
        if operation.path in LOADING:  # the books of an engine end with it
            faults += world.open_books()
        began = time.monotonic()
        tallies.append(runner.run(operation, count))
        show(tallies[-1], time.monotonic() - began)
        if options.refusals:
            show_refusals(tallies[-1])
    faults += [*world.open_books(), *world.defects()]
    for fault in faults[:MOST_SHOWN]:
        print(f"WRONG {fault[:1000]}")
    wrong = [tally.label for tally in tallies if not judged(tally)]
    total = sum(tally.statuses.total() for tally in tallies)
    failed = sum(n for tally in tallies for status, n in tally.statuses.items() if status >= 500)
    print(f"{total} cases, {failed} of 5xx, {len(faults)} faults of log and books; "
          f"operations that are wrong: {', '.join(wrong) or 'none'}")  # fmt: skip
    return 1 if wrong or faults else 0


if __name__ == "__main__":
    sys.exit(main())
