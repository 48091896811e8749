# SPDX-License-Identifier: AGPL-3.0-only
"""Results of tests, and the CSV of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

HEADER = ("Model", "Test", "Status", "Latency(ms)", "Note")

# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Result:
    """Of one test with one model."""

    model: str
    test: str
    fault: str
    """What is wrong; "" if nothing is."""
    latency_ms: float
    note: str = ""

    @property
    def status(self) -> Literal["PASS", "FAIL"]:
        return "FAIL" if self.fault else "PASS"

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        told = "; ".join(filter(None, (self.fault, self.note)))
        return self.model, self.test, self.status, f"{self.latency_ms:.0f}", told

    def as_json(self) -> dict[str, Any]:
        model, test, status, _, note = self.cells
        latency = round(self.latency_ms, 1)
        return {"model": model, "test": test, "status": status, "latency_ms": latency, "note": note}


def csv_text(results: Iterable[Result]) -> str:
    """A header and a line for each."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(HEADER)
    for result in results:
        writer.writerow([_harmless(" ".join(cell.split())) for cell in result.cells])
    return written.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
