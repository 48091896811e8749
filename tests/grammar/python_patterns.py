# SPDX-License-Identifier: AGPL-3.0-only
"""Patterns of ECMA-262 in the words of Python's `re`."""

from __future__ import annotations

import re

_SPACE = r"\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_SETS = {"d": "0-9", "w": "A-Za-z0-9_", "s": _SPACE}
_DIFFERENT = "pPcku"  # classes of Unicode, control letters, names of groups, \u{...}


class NotComparable(ValueError):
    """Python has no words for it."""


def in_python(pattern: str) -> str:
    """Errors: NotComparable."""
    out = ["(?a:"]  # \b is about ASCII letters
    inside = False
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            out.append(_escape(pattern[position + 1 : position + 2], inside))
            position += 2
            continue
        if char == "[" and not inside:
            inside = True
        elif char == "]":
            inside = False
        elif not inside and char == "$":
            char = r"\Z"
        elif not inside and char == ".":
            char = r"[^\n\r\u2028\u2029]"
        elif inside and char in "[&|~-":
            char = "\\" + char if char != "-" else char
        out.append(char)
        position += 1
    python = "".join([*out, ")"])
    if "[]" in pattern or "[^]" in pattern or "(?<" in pattern:
        raise NotComparable(pattern)
    try:
        re.compile(python)
    except re.error as error:
        raise NotComparable(pattern) from error
    return python


def _escape(letter: str, inside: bool) -> str:
    if letter in _SETS:
        return _SETS[letter] if inside else f"[{_SETS[letter]}]"
    if letter.lower() in _SETS:
        if inside:
            raise NotComparable(letter)
        return f"[^{_SETS[letter.lower()]}]"
    if letter in _DIFFERENT:
        raise NotComparable(letter)
    return "\\" + letter
