# SPDX-License-Identifier: AGPL-3.0-only
"""Why a grammar does not accept a text."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass

from sentiric_llama import _host
from sentiric_llama.engine.grammar.characters import Ranges, in_words, named, without
from sentiric_llama.engine.grammar.json_hints import hint, in_order
from sentiric_llama.engine.grammar.json_place import JsonPlace, place_in

_SHOWN = 40
"""How much of a text is shown before its fault."""
_MOST_STRINGS, _MOST_CHARACTERS = 5, 8
"""How many of what is allowed are shown."""
_LISTED = 200
"""How many strings are allowed at most where they are listed."""
_QUOTE = ord('"')
_SPACES = frozenset(map(ord, " \t\n"))


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
    """What may come there, in words: whole JSON strings (`"name"`) where they are few, characters
    (`'a'`, `line break`) and ranges of them (`'0'-'9'`)."""
    can_end: bool
    """True if the text might end there."""
    before: str
    """The end of the allowed part, with "…" in front if there is more of it."""
    hint: str = ""
    """What is wrong with the order or the white space of a JSON text."""

    def __str__(self) -> str:
        if self.accepted:
            return "accepted"
        where = f"line {self.line}, column {self.column}, after {self.before!r}"
        why = f"; {self.hint}" if self.hint else ""
        got = self.shown_got() or "the end of the text"
        return f"{where}: got {got}, allowed {self.shown_allowed()}{why}"

    def shown_got(self) -> str:
        """The character there, as a message shows it; "" at the end of the text."""
        return named(ord(self.got)) if self.got else ""

    def shown_allowed(self) -> str:
        """What may come there, as a message lists it."""
        is_string = bool(self.allowed) and self.allowed[0].startswith('"')
        shown = self.allowed[: _MOST_STRINGS if is_string else _MOST_CHARACTERS]
        more = len(self.allowed) - len(shown)
        items = [*shown, *([f"{more} more"] if more else [])]
        items += ["the end of the text"] if self.can_end else []
        if len(items) < 2:
            return "".join(items) or "nothing"
        return f"{', '.join(items[:-1])} {'and' if more else 'or'} {items[-1]}"


def explain(matcher: Callable[[], _host.Matcher], data: bytes, schema: str | None) -> Explanation:
    """`matcher` makes one at the beginning of a text; `schema` is what it comes from, if any."""
    taken: int = matcher().advance(data)
    complete = taken == len(data)
    taken -= _begun(data[:taken])
    stopped = matcher()
    stopped.advance(data[:taken])
    whole = data[:taken].decode("utf-8", "replace")
    got = "" if complete else data[taken : taken + 4].decode("utf-8", "replace")[:1]
    accepted = complete and stopped.can_end
    place = None if schema is None or accepted else place_in(whole)
    ranges = stopped.allowed_characters()
    ranges = without(ranges, ord(got)) if got else ranges
    return Explanation(
        accepted=accepted,
        is_prefix=complete,
        offset=taken,
        line=whole.count("\n") + 1,
        column=len(whole) - (whole.rfind("\n") + 1) + 1,
        got=got,
        allowed=_strings(matcher(), whole, place, ranges, schema) or in_words(ranges),
        can_end=stopped.can_end,
        before=("…" if len(whole) > _SHOWN else "") + whole[-_SHOWN:],
        hint=_hint(schema, data, len(whole), place),
    )


def _begun(data: bytes) -> int:
    """How many bytes at the end are the beginning of a character."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(data)
    return len(decoder.getstate()[0])


def _hint(schema: str | None, data: bytes, at: int, place: JsonPlace | None) -> str:
    if schema is None or place is None:
        return ""
    return hint(schema, data.decode("utf-8", "replace"), at, place)


def _strings(
    matcher: _host.Matcher, whole: str, place: JsonPlace | None, ranges: Ranges, schema: str | None
) -> tuple[str, ...] | None:
    """The strings that are allowed, and what is allowed beside; None if they are not few."""
    begins = any(first <= _QUOTE <= last for first, last in ranges)
    if schema is None or place is None or not (begins or place.string is not None):
        return None
    before = whole if place.string is None else whole[: place.string]
    matcher.advance(f'{before}"'.encode())
    strings = matcher.strings(_LISTED, place.expects == "name")
    if not strings:
        return None
    literals = [f'"{text}"' for text in strings]
    if place.expects == "name":
        literals = in_order(schema, literals)
    others = [] if place.string is not None else ranges
    for code in (_QUOTE, *_SPACES):
        others = without(others, code)
    return (*literals, *in_words(others))
