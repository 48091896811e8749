# SPDX-License-Identifier: AGPL-3.0-only
"""Percentiles by nearest rank: each is a value that was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of all values do not exceed.

    Raises ValueError without any value.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a percentile needs at least one value")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
