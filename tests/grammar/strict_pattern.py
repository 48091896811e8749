# SPDX-License-Identifier: AGPL-3.0-only
"""What a pattern means whose only faults, for ECMA-262 with the flag u, are those that all dialects
read alike and real schemas are full of: the same pattern as that flag wants it written."""

import re

_SYNTAX = set("^$\\.*+?()[]{}|/")
_LOOKS_LIKE_A_QUANTIFIER = re.compile(r"\{[ ]*[0-9,][0-9, ]*(?:\}|\Z)")
_POSIX = re.compile(r"\[:(?:alpha|digit|alnum|upper|lower|space|punct|word|xdigit):\]")
_CLASS_ESCAPE = re.compile(r"\\(?:[dDwWsS]|[pP]\{[^}]*\})")


def strict(pattern: str) -> str:
    """Escapes of punctuation become plain, lone brackets and "-" beside a class are escaped."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        part = _class_at(pattern, at) if pattern[at] == "[" else _part_at(pattern, at)
        if part is None:  # a POSIX class, or a class without an end
            return pattern
        taken, written = part
        out.append(written)
        at += taken
    return "".join(out)


def _part_at(pattern: str, at: int) -> tuple[int, str]:
    """How many characters are taken outside of a class, and how they are written."""
    c = pattern[at]
    if c == "\\" and at + 1 < len(pattern):
        escaped = _escape_at(pattern, at)
        return len(escaped), _plain(escaped, _SYNTAX)
    if c == "{":
        quantifier = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}").match(pattern, at)
        if quantifier or _LOOKS_LIKE_A_QUANTIFIER.match(pattern, at):
            text = quantifier[0] if quantifier else c
            return len(text), text
        return 1, "\\{"
    return 1, f"\\{c}" if c in "}]" else c


def _escape_at(pattern: str, at: int) -> str:
    """With what belongs to it, so that its braces are not taken for lone ones."""
    found = re.compile(r"\\(?:u\{[^}]*\}|[pP]\{[^}]*\}|.)", re.DOTALL).match(pattern, at)
    assert found is not None
    return found[0]


def _plain(escape: str, kept: set[str]) -> str:
    c = escape[1]
    return escape if len(escape) > 2 or c in kept or (c.isascii() and c.isalnum()) else c


def _class_at(pattern: str, at: int) -> tuple[int, str] | None:
    begin = at
    at += 2 if pattern.startswith("[^", at) else 1
    atoms: list[str] = []
    while at < len(pattern) and pattern[at] != "]":
        if _POSIX.match(pattern, at):
            return None
        atom = (
            _escape_at(pattern, at)
            if pattern[at : at + 1] == "\\" and at + 1 < len(pattern)
            else pattern[at]
        )
        at += len(atom)
        atoms.append(_plain(atom, _SYNTAX | {"-"}) if len(atom) > 1 else atom)
    if at == len(pattern):
        return None
    opening = pattern[begin : begin + (2 if pattern.startswith("[^", begin) else 1)]
    return at + 1 - begin, opening + "".join(_with_dashes(atoms)) + "]"


def _with_dashes(atoms: list[str]) -> list[str]:
    """ "-" between two atoms of which one is a class stands for itself."""
    out: list[str] = []
    i = 0
    while i < len(atoms):
        if i + 2 < len(atoms) and atoms[i + 1] == "-":
            ends = atoms[i], atoms[i + 2]
            dash = "\\-" if any(map(_CLASS_ESCAPE.fullmatch, ends)) else "-"
            out += [_as_end(ends[0]), dash, _as_end(ends[1])]
            i += 3
        else:
            out.append(_as_end(atoms[i]))
            i += 1
    return out


def _as_end(atom: str) -> str:
    return "\\-" if atom == "-" else atom
