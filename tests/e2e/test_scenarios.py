# SPDX-License-Identifier: AGPL-3.0-only
"""`scenarios` with a real server and model: it fails content, as it must, and leaves nothing."""

from __future__ import annotations

import csv
import io
from typing import Any

from command_runs import Run


def test_a_model_of_another_topic_fails_and_frees_its_contexts(guide: Any, run: Run) -> None:
    words = ("scenarios", "--url", guide.url, "--suite", "01", "--suite", "03", "--suite", "14")
    done = run(*words, code=1)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["Test"][:2] for row in rows] == ["01", "01", "03", "03", "03", "03", "14"]
    assert {row["Status"] for row in rows} <= {"PASS", "FAIL"}
    failed = sum(row["Status"] == "FAIL" for row in rows)
    assert f"{failed} of 7 tests failed" in done.stderr and failed > 0
    assert all(row["Note"] for row in rows if row["Status"] == "FAIL")
    assert "free after" in rows[-1]["Note"], "the interruption itself works with any model"
    assert guide.get("/health").json["capacity"]["active"] == 0
