# SPDX-License-Identifier: AGPL-3.0-only
"""Why a grammar does not accept a text."""

from __future__ import annotations

from dataclasses import dataclass

from sentiric_llama import _host

_SHOWN = 40
"""How much of a text is shown before its fault."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of a text: whether a grammar accepts it, and what it says at the end or at the first fault.

    `offset` counts bytes of UTF-8; `line` and `column` count from 1, the column in characters.
    """

    accepted: bool
    is_prefix: bool
    """True if only the end is missing."""
    offset: int
    line: int
    column: int
    got: str
    """The character there, "" at the end of the text."""
    allowed: tuple[str, ...]
    """What may come there: characters, ranges such as `0-9`, first bytes of others as `\\xc3`."""
    can_end: bool
    """True if the text might end there."""
    before: str
    """The end of the allowed part."""

    def __str__(self) -> str:
        if self.accepted:
            return "accepted"
        got = repr(self.got) if self.got else "the end of the text"
        allowed = [*self.allowed, *(["the end of the text"] if self.can_end else [])]
        where = f"line {self.line}, column {self.column}, after {self.before!r}"
        return f"{where}: got {got}, allowed {' '.join(allowed) or 'nothing'}"


def explain(matcher: _host.Matcher, data: bytes) -> Explanation:
    """Moves the matcher along the text, and looks at where it stops."""
    taken: int = matcher.advance(data)
    if taken < len(data):  # from inside a character to its beginning
        while taken and data[taken] & 0xC0 == 0x80:
            taken -= 1
    whole = data[:taken].decode("utf-8", "replace")
    rest = data[taken : taken + 4].decode("utf-8", "replace")
    complete = taken == len(data)
    return Explanation(
        accepted=complete and matcher.can_end,
        is_prefix=complete,
        offset=taken,
        line=whole.count("\n") + 1,
        column=len(whole) - (whole.rfind("\n") + 1) + 1,
        got=rest[:1],
        allowed=_ranges(matcher.allowed_bytes()),
        can_end=matcher.can_end,
        before=whole[-_SHOWN:],
    )


def _ranges(allowed: list[int]) -> tuple[str, ...]:
    shown: list[str] = []
    for first, last in _runs(allowed):
        shown.append(_name(first) if first == last else f"{_name(first)}-{_name(last)}")
    return tuple(shown)


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _name(byte: int) -> str:
    return chr(byte) if 0x20 < byte < 0x7F else f"\\x{byte:02x}" if byte != 0x20 else "' '"
