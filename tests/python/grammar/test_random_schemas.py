# SPDX-License-Identifier: AGPL-3.0-only
"""The schema compiler against ajv and jsonschema; `make schemas` tries many more."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from grammar.judge import FOLDER
from grammar.random_schemas import random_schema
from grammar.runs import JUDGES_DIFFER, run
from grammar.schemas import rewritten
from grammar.shrink import as_line
from sentiric_llama._host import schema_keywords


def test_every_keyword_that_restricts_is_tried() -> None:
    seen: set[str] = set()

    def look(schema: dict[str, Any]) -> dict[str, Any]:
        seen.update(schema)
        return schema

    for number in range(3_000):
        rewritten(random_schema(number)[1], look)
    roles = ("enforced", "reference")
    assert {name for name, role in schema_keywords() if role in roles} <= seen


@pytest.mark.skipif(shutil.which("node") is None, reason="ajv needs node")
@pytest.mark.skipif(
    not (FOLDER / "node_modules").exists(), reason="run: npm ci --prefix tests/grammar"
)
def test_what_is_written_is_valid_and_what_is_valid_can_be_written() -> None:
    report = run(range(300))
    wrong = [as_line(fault) for fault in report.faults if fault.kind not in JUDGES_DIFFER]
    assert not wrong, "\n".join(wrong)
    assert report.counts["compiled"] > 150
    assert report.counts["samples"] > 1_000
    assert report.counts["valid values"] > 1_000
    assert report.counts["invalid values"] > 500
