# SPDX-License-Identifier: AGPL-3.0-only
"""What series of faults cost: a line for each at the end of a run of pytest.

A test hands its series over with record_property("pauses", (name, seconds)).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest


def report(terminal: pytest.TerminalReporter) -> None:
    series = list(series_of(terminal.getreports("passed")))
    if not series:
        return
    terminal.section(f"seconds until an engine serves again ({processor()})")
    for name, seconds in sorted(series):
        line = f"{name:32} {len(seconds):4} times  median {median(seconds):.3f}"
        terminal.write_line(f"{line}  worst {max(seconds):.3f}")


def series_of(reports: Iterable[Any]) -> Iterator[tuple[str, list[float]]]:
    """The series of all tests, those of one name together."""
    found: dict[str, list[float]] = {}
    for each in reports:
        for key, value in each.user_properties:
            if key == "pauses":
                found.setdefault(value[0], []).extend(value[1])
    yield from ((name, seconds) for name, seconds in found.items() if seconds)


def processor() -> str:
    names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return f"{names[0] if names else 'unknown processor'}, {os.cpu_count()} CPUs"
