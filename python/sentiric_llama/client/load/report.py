# SPDX-License-Identifier: AGPL-3.0-only
"""Numbers of a measurement, and what changed between two."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from sentiric_llama.client.load.plan import LoadPlan
from sentiric_llama.client.load.sample import Sample
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.printable import quoted
from sentiric_llama.telemetry.percentile import percentile

SHARES = (50, 90, 95, 99)
MEASURES = ("ttft", "tpot", "e2e")
_SLO = re.compile(r"(ttft|tpot|e2e)=(\d+(?:\.\d+)?)(ms|s)")


def report(
    samples: Sequence[Sample],
    seconds: float,
    plan: LoadPlan,
    slo: Mapping[str, float],
    server: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything that was measured. Milliseconds and tokens; `server` says what was measured.

    A request is good when it came to its end within every limit of `slo`.
    """
    good = [sample for sample in samples if not sample.error]
    output = sum(sample.usage.completion_tokens for sample in good)
    prompt = sum(sample.usage.prompt_tokens for sample in good)
    met = [s for s in good if all(value_ms(s, name) <= slo[name] for name in slo)]
    times = {name: _spread([value_ms(sample, name) for sample in good]) for name in MEASURES}
    return {
        "plan": asdict(plan),
        "server": dict(server),
        "duration_s": round(seconds, 3),
        "requests": len(samples),
        "ok": len(good),
        "errors": dict(Counter(sample.error for sample in samples if sample.error)),
        "prompt_tokens": prompt,
        "cached_tokens": sum(sample.usage.cached_tokens for sample in good),
        "output_tokens": output,
        "output_tokens_per_s": _rate(output, seconds),
        "prompt_tokens_per_s": _rate(prompt, seconds),
        "requests_per_s": _rate(len(good), seconds),
        **{f"{name}_ms": spread for name, spread in times.items()},
        "slo_ms": dict(slo),
        "goodput_per_s": _rate(len(met), seconds),
        "good_share": round(len(met) / len(samples), 4) if samples else 0.0,
    }


def value_ms(sample: Sample, name: str) -> float:
    """One measure of one request."""
    seconds = {"ttft": sample.ttft_s, "tpot": sample.tpot_s, "e2e": sample.total_s}[name]
    return 1e3 * seconds


def parse_slo(text: str) -> dict[str, float]:
    """`ttft=500ms,tpot=60ms` -> milliseconds. InvalidArgument when it is written otherwise."""
    found: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        match = _SLO.fullmatch(part.strip())
        if match is None:
            raise InvalidArgument(
                f"got {quoted(part)}, allowed ttft|tpot|e2e=NUMBERms|s", where="--slo"
            )
        found[match[1]] = float(match[2]) * (1000 if match[3] == "s" else 1)
    return found


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """(measure, change in percent, of it what is worse); above 0 is worse, below better."""
    if before["plan"] != after["plan"]:
        raise InvalidArgument(_other_load(before["plan"], after["plan"]), where="compare")
    rows = []
    for name in MEASURES:
        for share in ("p50", "p95"):
            rows.append(_change(f"{name}_ms {share}", before, after, is_better_high=False))
    for name in ("output_tokens_per_s", "goodput_per_s"):
        rows.append(_change(name, before, after, is_better_high=True))
    failed = (before["requests"] - before["ok"], after["requests"] - after["ok"])
    rows.append(("failed requests", *_worse(*map(float, failed), is_better_high=False)))
    return rows


def _other_load(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Which options of two measurements differ."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return f"the files measured different loads ({', '.join(names)}); measure one of them again"


def _change(
    name: str, before: Mapping[str, Any], after: Mapping[str, Any], *, is_better_high: bool
) -> tuple[str, float, float]:
    old, new = (_value(report, name) for report in (before, after))
    return (name, *_worse(old, new, is_better_high=is_better_high))


def _value(report: Mapping[str, Any], name: str) -> float:
    key, _, share = name.partition(" ")
    value = report[key][share] if share else report[key]
    return float(value or 0)


def _worse(old: float, new: float, *, is_better_high: bool) -> tuple[float, float]:
    """The change in percent, and how much worse that is."""
    if old == new:
        return 0.0, 0.0
    change = 100 * (new - old) / old if old else math.inf
    return change, max(0.0, -change if is_better_high else change)


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    if not values:
        return dict.fromkeys(("mean", *(f"p{share}" for share in SHARES)))
    spread = {f"p{share}": round(percentile(values, share / 100), 3) for share in SHARES}
    return {"mean": round(fmean(values), 3), **spread}


def _rate(count: int, seconds: float) -> float:
    return round(count / seconds, 3) if seconds > 0 else 0.0
