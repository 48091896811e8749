# SPDX-License-Identifier: AGPL-3.0-only
"""Counts by the name of a key: bounded, and only for callers that have one."""

from __future__ import annotations

from sentiric_llama.telemetry.key_metrics import MAX_NAMES, OTHERS, KeyMetrics


def test_names_are_bounded_whoever_comes() -> None:
    metrics = KeyMetrics()
    for number in range(MAX_NAMES + 50):
        metrics.note_end(f"key-{number}", "ok")
        metrics.note_refusal(f"key-{number}", "tokens")
    assert len({name for name, _ in metrics.requests}) == MAX_NAMES + 1
    assert metrics.requests[OTHERS, "ok"] == metrics.refusals[OTHERS, "tokens"] == 50
    metrics.note_end("key-0", "ok")
    assert metrics.requests["key-0", "ok"] == 2


def test_a_caller_without_a_key_has_no_name() -> None:
    metrics = KeyMetrics()
    metrics.note_end("", "ok")
    metrics.note_refusal("", "tokens")
    assert not metrics.requests and not metrics.refusals
