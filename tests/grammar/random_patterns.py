# SPDX-License-Identifier: AGPL-3.0-only
"""Random patterns, each with a text in which it is found."""

from __future__ import annotations

import random

PATTERNS = {
    "^[a-z]{2,6}$": "abc",
    "^[A-Z][a-z]+-[0-9]{3}$": "Ab-123",
    "^(yes|no|maybe)$": "no",
    "^v[0-9]\\.[0-9]{1,2}$": "v1.12",
    "^#[0-9a-fA-F]{6}$": "#00ffAA",
    "^\\d{4}-\\d{2}$": "2024-01",
    "^\\w+$": "snake_case",
    "^[^\\s]+$": "solid",
    "^\\S+ \\S+$": "two words",
    "a": "bab",
    "^$": "",
    "[çğıöşü]": "ığdır",
    "^.*$": "any",
    "^a|b$": "axx",
    "\\.json$": "x.json",
    "^(?:[a-z]+\\.)*[a-z]+$": "a.bc.d",
    "^[\\u0041-\\u0043]*$": "ABC",
    '^"[^"]*"$': '"x"',
    "^\\\\$": "\\",
    "^🦙+$": "🦙🦙",
    "^\\/[a-z\\/]*$": "/a/b",
    "\\bword\\b": "a word.",
}
_CLASSES = {
    "[a-c]": "abc", "[^a]": "bcç ", "\\d": "0123", "\\D": "aç-", "\\w": "aZ_9", "\\W": " -ç",
    "\\s": " \t", "\\S": "aç.", ".": "aç ", "[çğ]": "çğ", "[a\\-z]": "a-z", "[\\d.]": "1.",
    "[^\\w]": "ç !", "[\\]\\[]": "[]",
}  # fmt: skip
_LITERALS = {"a": "a", "b": "b", "ab": "ab", "\\.": ".", "\\\\": "\\", "ç": "ç", '"': '"', "-": "-",
             "\\n": "\n", "\\/": "/", "🦙": "🦙", "\\u0061": "a"}  # fmt: skip
_REPEATS = {"": (1, 1), "*": (0, 3), "+": (1, 3), "?": (0, 1), "{2}": (2, 2), "{1,3}": (1, 3),
            "{2,}": (2, 4), "*?": (0, 2), "{0,40}": (0, 5)}  # fmt: skip


def random_pattern(rng: random.Random) -> tuple[str, str]:
    pattern, text = _either(rng, depth=2)
    if rng.random() < 0.5:
        pattern = "^" + pattern if "|" not in pattern else f"^(?:{pattern})"
    if rng.random() < 0.5:
        pattern = pattern + "$" if "|" not in pattern else f"(?:{pattern})$"
    return pattern, text


def _either(rng: random.Random, depth: int) -> tuple[str, str]:
    ways = [_sequence(rng, depth) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    return "|".join(pattern for pattern, _ in ways), rng.choice(ways)[1]


def _sequence(rng: random.Random, depth: int) -> tuple[str, str]:
    parts = [_repeated(rng, depth) for _ in range(rng.choice([1, 1, 2, 3]))]
    return "".join(pattern for pattern, _ in parts), "".join(text for _, text in parts)


def _repeated(rng: random.Random, depth: int) -> tuple[str, str]:
    repeat = rng.choice(["", "", "", *_REPEATS])
    times = rng.randint(*_REPEATS[repeat])
    kind = rng.random()
    if kind < 0.2 and depth > 0:
        inner, text = _either(rng, depth - 1)
        return f"{rng.choice(['(', '(?:'])}{inner}){repeat}", text * times
    if kind < 0.6:
        inner = rng.choice(list(_CLASSES))
        return inner + repeat, "".join(rng.choice(_CLASSES[inner]) for _ in range(times))
    inner = rng.choice(list(_LITERALS))
    grouped = inner if len(_LITERALS[inner]) == 1 else f"(?:{inner})"
    return grouped + repeat, _LITERALS[inner] * times
