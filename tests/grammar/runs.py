# SPDX-License-Identifier: AGPL-3.0-only
"""Many cases, each in a process that may crash or hang."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from grammar.case import Fault, Report
from grammar.random_schemas import random_schema

LIMIT_S = 60.0
JUDGES_DIFFER = ("disputed sample", "disputed value")


class _Worker:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "grammar.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        )

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def report(self, number: int) -> Report | None:
        """None when it crashed or takes too long; it is of no use then."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], LIMIT_S)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            return None
        made = json.loads(line)
        faults = [Fault(**fault) for fault in made["faults"]]
        return Report(Counter(made["counts"]), Counter(made["refusals"]), faults)


def _reports(numbers: Sequence[int]) -> Report:
    total = Report()
    worker = _Worker()
    try:
        for number in numbers:
            report = worker.report(number)
            if report is None:
                worker.close()
                worker = _Worker()
                what = f"crashed, or took more than {LIMIT_S:.0f} s"
                total.counts["crash"] += 1
                total.faults.append(Fault("crash", number, *random_schema(number), "", what))
            else:
                total.add(report)
    finally:
        worker.close()
    return total


def run(numbers: Sequence[int], jobs: int = 1) -> Report:
    """All cases of these numbers, in as many processes."""
    total = Report()
    with ThreadPoolExecutor(jobs) as pool:
        for report in pool.map(_reports, [numbers[job::jobs] for job in range(jobs)]):
            total.add(report)
    return total
