# SPDX-License-Identifier: AGPL-3.0-only
"""Sets of characters in words."""

from __future__ import annotations

from collections.abc import Sequence

Ranges = Sequence[tuple[int, int]]
"""First and last code point, in order."""

_NAMES = {0x09: "tab", 0x0A: "line break", 0x0D: "carriage return", 0x20: "space"}
_LAST = 0x10FFFF
_NEARLY_ALL = 1_000_000
_MOST_OTHERS = 8


def named(code: int) -> str:
    """A character as a message shows it: quoted, or the name of one that cannot be seen."""
    if code in _NAMES:
        return _NAMES[code]
    return repr(chr(code)) if chr(code).isprintable() else f"U+{code:04X}"


def in_words(ranges: Ranges) -> tuple[str, ...]:
    """Each character or range of three or more; a set of nearly all by what is not in it."""
    if sum(last - first + 1 for first, last in ranges) < _NEARLY_ALL:
        return tuple(_items(ranges))
    others = _items(_complement(ranges))
    if len(others) > _MOST_OTHERS:
        return tuple(_items(ranges))
    return (f"any character but {' or '.join(others)}" if others else "any character",)


def without(ranges: Ranges, code: int) -> list[tuple[int, int]]:
    """The ranges but one character."""
    left: list[tuple[int, int]] = []
    for first, last in ranges:
        if first <= code <= last:
            parts = ((first, code - 1), (code + 1, last))
            left += [(low, high) for low, high in parts if low <= high]
        else:
            left.append((first, last))
    return left


def _items(ranges: Ranges) -> list[str]:
    shown: list[str] = []
    for first, last in ranges:
        if last - first < 2:
            shown += [named(code) for code in range(first, last + 1)]
        else:
            shown.append(f"{named(first)}-{named(last)}")
    return shown


def _complement(ranges: Ranges) -> list[tuple[int, int]]:
    left, begin = [], 0
    for first, last in ranges:
        if begin < first:
            left.append((begin, first - 1))
        begin = last + 1
    return [*left, (begin, _LAST)] if begin <= _LAST else left
