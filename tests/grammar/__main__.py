# SPDX-License-Identifier: AGPL-3.0-only
"""python -m grammar 20000: random schemas against the judges; exits 1 when the compiler errs.

--case NUMBER repeats one case, --first NUMBER begins elsewhere.
"""

from __future__ import annotations

import argparse
import sys

from grammar.case import Report
from grammar.judge import Judges
from grammar.runs import JUDGES_DIFFER, run
from grammar.shrink import as_line, shrunk

MAX_SHOWN = 10  # of each kind


def show(report: Report) -> None:
    """Of each case and kind the first fault, small."""
    shown: dict[str, set[int]] = {}
    with Judges() as judges:
        for fault in report.faults:
            numbers = shown.setdefault(fault.kind, set())
            if fault.number not in numbers and len(numbers) < MAX_SHOWN:
                numbers.add(fault.number)
                print(as_line(shrunk(fault, judges)), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int, nargs="?", default=1_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--case", type=int)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.count)
    report = run(numbers if options.case is None else [options.case], options.jobs)
    show(report)
    for what, count in report.refusals.most_common():
        print(f"{count:7d} refused, {what}")
    for what, count in report.counts.most_common():
        print(f"{count:7d} {what}")
    wrong = [fault for fault in report.faults if fault.kind not in JUDGES_DIFFER]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
