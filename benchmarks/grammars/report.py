# SPDX-License-Identifier: AGPL-3.0-only
"""The figures of the table, and what was refused or cost us most."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from benchmarks.grammars.measure import CaseResult
from benchmarks.scenario import OURS, Figure

_GOALS = {"mask mean": "<= 0.7", "mask p99": "<= 1.0"}
_LIMITS = [
    Figure("the longest mask, in µs", "µs", f"{OURS}.mask_max_us", goal="<= 20000"),
    Figure("compile, p95, in µs", "µs", f"{OURS}.compile_p95_us", goal="<= 5000"),
]
_SPREAD = {"mean": "mean", "median": "p50", "p95": "p95", "p99": "p99", "longest": "max"}
_WORST = 3


def figures(other: str) -> list[Figure]:
    """Ours against the other; the goals are stated against llguidance."""
    has_goals = other == "llguidance"
    return [
        *_against(other, _GOALS if has_goals else {}),
        *(_LIMITS if has_goals else []),
        Figure("the same mask again, median", "µs", f"{OURS}.mask_again_p50_us"),
    ]


def _against(other: str, goals: Mapping[str, str]) -> Iterator[Figure]:
    for label, metric in (("schemas compiled", "compiled"), ("texts accepted", "accepted")):
        yield Figure(label, "", f"{OURS}.{metric}", f"{other}.{metric}")
    for part, label in [*product(("mask", "compile"), _SPREAD), ("advance", "mean")]:
        metric = f"{part}_{_SPREAD[label]}_us"
        goal = goals.get(f"{part} {label}", "")
        yield Figure(f"{part}, {label}", "µs", f"{OURS}.{metric}", f"{other}.{metric}", goal)


def lines(results: Sequence[CaseResult]) -> Iterator[str]:
    """For the terminal."""
    shared = [result for result in results if result.is_shared]
    yield f"{len(shared)} of {len(results)} schemas are compared"
    for engine in results[0].engines:
        yield from _troubles(results, engine)
    yield from _slowest_compiles(shared)
    yield from _slowest_masks(shared)


def _troubles(results: Sequence[CaseResult], engine: str) -> Iterator[str]:
    """Alike but for numbers is alike."""
    found = defaultdict(list)
    for result in results:
        if trouble := result.engines[engine].trouble:
            found[re.sub(r"\d+", "N", trouble.partition("\n")[0])[:110]].append(result.case.name)
    for trouble, names in sorted(found.items(), key=lambda item: -len(item[1]))[:8]:
        yield f"{engine}: {len(names)} x {trouble} ({names[0]})"


def _slowest_compiles(shared: Sequence[CaseResult]) -> Iterator[str]:
    by_time = sorted(shared, key=lambda result: -result.engines[OURS].compile_us)
    for result in by_time[:_WORST]:
        times = _times({name: one.compile_us for name, one in result.engines.items()})
        yield f"slow to compile: {result.case.name}, {len(result.case.schema)} bytes: {times}"


def _slowest_masks(shared: Sequence[CaseResult]) -> Iterator[str]:
    by_time = sorted(shared, key=lambda result: -max(result.engines[OURS].masks_us))
    for result in by_time[:_WORST]:
        ours = result.engines[OURS].masks_us
        at = ours.index(max(ours))
        times = _times({name: one.masks_us[at] for name, one in result.engines.items()})
        yield f"slow mask: {result.case.name}, before token {at}: {times}"


def _times(times: dict[str, float]) -> str:
    return ", ".join(f"{name} {us:.0f} µs" for name, us in times.items())
