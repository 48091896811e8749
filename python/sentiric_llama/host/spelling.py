# SPDX-License-Identifier: AGPL-3.0-only
"""What a mistyped name was probably meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_SHORTEST_PART = 5
_LONGEST = 64
"""Longer words are no slip of a finger, and comparing takes time in the square of it."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known name that `word` is one slip of a finger away from, "" without any.

    Long words may hold two or three slips. The beginning or the end of a long name counts as the
    name: `--temprature` means `--default-temperature`.
    """
    if len(word) > _LONGEST:
        return ""
    typed = _bare(word)
    found = [
        (rank, slips, name)
        for name in known
        for rank, form in _forms(_bare(name))
        if (slips := _distance(typed, form)) <= _allowed(typed, form)
    ]
    return min(found, key=lambda item: item[:2])[2] if found else ""


def _allowed(typed: str, form: str) -> int:
    """Slips: one in four letters, never half a word."""
    return min(max(1, len(typed) // 4), 3, (len(form) - 1) // 2)


def _forms(name: str) -> Iterator[tuple[int, str]]:
    """The whole name, then what it begins with, then what it ends with."""
    yield 0, name
    parts = name.split("-")
    for at in range(1, len(parts)):
        for rank, part in ((1, "-".join(parts[:at])), (2, "-".join(parts[at:]))):
            if len(part) >= _SHORTEST_PART:
                yield rank, part


def _bare(name: str) -> str:
    return re.sub(r"[-_]+", "-", name.lstrip("-")).lower()


def _distance(left: str, right: str) -> int:
    """Letters to add, drop, replace, or exchange with their neighbour."""
    rows = [list(range(len(right) + 1))]
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and (a, b) == (right[j - 2], left[i - 2]):
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
