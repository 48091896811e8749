# SPDX-License-Identifier: AGPL-3.0-only
"""Numbers out of answers, and numbers out of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.client import Answer
from benchmarks.scenario import Figure, Metrics, Round, WrongCount


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that `share` of all do not exceed. 0 for no values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def check_tokens(answers: Sequence[Answer], max_tokens: int) -> None:
    """Every answer has exactly the tokens that were asked for."""
    got = [answer.completion_tokens for answer in answers]
    if any(count != max_tokens for count in got):
        raise WrongCount(f"completion tokens; got {got}, wanted {max_tokens} each")


def of_answers(answers: Sequence[Answer], max_tokens: int = 0) -> Metrics:
    """The figures of several requests that ran side by side. Seconds and tokens."""
    if max_tokens:
        check_tokens(answers, max_tokens)
    wall = max(a.ended_at for a in answers) - min(a.sent_at for a in answers)
    tokens = sum(answer.completion_tokens for answer in answers)
    gaps = [gap for answer in answers for gap in answer.gaps_s]
    prompt = sum(answer.prompt_tokens for answer in answers)
    cached = sum(answer.cached_tokens for answer in answers)
    return {
        "wall_s": wall,
        "tok_s": tokens / wall,
        "ttft_p50_s": median(answer.ttft_s for answer in answers),
        "ttft_max_s": max(answer.ttft_s for answer in answers),
        "gap_p99_s": percentile(gaps, 0.99),
        "gap_max_s": max(gaps, default=0.0),
        "prompt_tokens": prompt,
        "cached_tokens": cached,
        "prefill_tokens": prompt - cached,
        "completion_tokens": tokens,
    }


@dataclass(frozen=True, slots=True)
class Summary:
    """One figure over all pairs: medians of both sides, and the median of the pairs' ratios."""

    label: str
    unit: str
    ours: float
    other: float
    other_side: str
    ratio: float
    low: float
    high: float
    goal: str
    met: bool | None
    """None without a goal."""
    kind: str = "ratio"
    """`ratio`, `difference`, or `value` for a figure that stands alone."""


def summarise(figure: Figure, rounds: Sequence[Round]) -> Summary | None:
    """None when this run did not measure both sides."""
    pairs = [pair for pair in (values(figure, sides) for sides in rounds) if pair is not None]
    if not pairs:
        return None
    compared = [compared_pair(ours, other, figure) for ours, other in pairs]
    middle = median(compared)
    return Summary(
        label=figure.label,
        unit=figure.unit,
        ours=median(ours for ours, _ in pairs),
        other=median(other for _, other in pairs),
        other_side=figure.other.partition(".")[0],
        ratio=middle,
        low=min(compared),
        high=max(compared),
        goal=figure.goal,
        met=is_met(middle, figure.goal),
        kind="difference" if figure.difference else "ratio" if figure.other else "value",
    )


def values(figure: Figure, sides: Round) -> tuple[float, float] | None:
    """Both values of one pair; the second is 0 for a figure that stands alone."""
    ours = look_up(figure.ours, sides)
    other = look_up(figure.other, sides) if figure.other else 0.0
    return None if ours is None or other is None else (ours, other)


def compared_pair(ours: float, other: float, figure: Figure) -> float:
    if figure.difference or not figure.other:
        return ours - other
    return ours / other if other else math.inf


def look_up(place: str, sides: Round) -> float | None:
    side, _, metric = place.partition(".")
    return sides.get(side, {}).get(metric)


def is_met(value: float, goal: str) -> bool | None:
    """`>= 1.05` and `<= 0.2` are the two forms."""
    if not goal:
        return None
    sign, limit = goal.split()
    return value >= float(limit) if sign == ">=" else value <= float(limit)
