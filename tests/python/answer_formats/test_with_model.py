# SPDX-License-Identifier: AGPL-3.0-only
"""Calls of a model with random weights, in every format; `make tools` tries many more."""

from __future__ import annotations

import asyncio

from answers.with_model import ANSWERS, run


def test_calls_are_valid_and_read_alike_however_they_arrive() -> None:
    counts, found = asyncio.run(run(6))
    assert not found
    for form in ANSWERS:
        ended = sum(counts[f"{form.calls.name} {ending}"] for ending in ("whole", "unfinished"))
        assert ended >= 4, (form.calls.name, counts)
