# SPDX-License-Identifier: AGPL-3.0-only
"""What the loop itself costs: scheduler, plan and events over a decoder that computes nothing.

The program is C++ (`steps/step_cost.cpp`) with the fakes of the engine's tests; the fake's own
hash of each history is part of the figure and grows with the number of tokens.
"""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from benchmarks.tools import ROOT

TOKENS = 200
BUILT = [ROOT / "build" / preset / "benchmarks/steps/step_cost" for preset in ("dev", "core")]


@pytest.mark.parametrize("sequences", [1, 8, 32])
def test_steps_of_the_loop(benchmark: Any, sequences: int) -> None:
    program = next((path for path in BUILT if path.exists()), None)
    if program is None:
        pytest.skip("not built; run: cmake --build --preset dev --target step_cost")
    samples: list[float] = []

    def run() -> None:
        command = [str(program), str(sequences), str(TOKENS)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        steps, nanoseconds = map(int, done.stdout.split())
        samples.append(nanoseconds / steps)

    benchmark.pedantic(run, rounds=7)
    benchmark.extra_info["ns_per_step"] = sorted(samples)[len(samples) // 2]
