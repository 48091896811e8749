# SPDX-License-Identifier: AGPL-3.0-only
"""One JSON file for each run, with every sample: `benchmarks/results/`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.runner import Outcome
from benchmarks.scenario import Run

FOLDER = Path(__file__).parent / "results"
SCHEMA = 1


def opening(run: Run, command: Sequence[str]) -> dict[str, Any]:
    """What is known before the first scenario, the load of the machine included."""
    return {
        "schema": SCHEMA,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "size": run.size,
        "device": run.device,
        "threads": run.threads,
        "pairs": run.pairs,
        "seed": run.seed,
        "machine": machine.facts(run.device),
        "commits": machine.commits(),
    }


def document(head: dict[str, Any], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return head | {"scenarios": [dataclasses.asdict(outcome) for outcome in outcomes]}


def write(document: dict[str, Any], folder: Path = FOLDER) -> Path:
    """The file's name says when, on what and how large."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = document["started"].replace(":", "").replace("+0000", "").replace("-", "")
    path = folder / f"{stamp}-{document['device']}-{document['size']}.json"
    path.write_text(json.dumps(document, indent=1, sort_keys=False) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> dict[str, Any]:
    """Raises ValueError for a file of another schema."""
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ValueError(f"[results] {path.name} has another schema; allowed {SCHEMA}")
    return found


def failures(document: dict[str, Any]) -> list[str]:
    """A line for each scenario that failed: the only reason for a run to fail."""
    return [
        f"{scenario['name']}: {scenario['failure']}"
        for scenario in document["scenarios"]
        if scenario["failure"]
    ]
