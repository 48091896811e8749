# SPDX-License-Identifier: AGPL-3.0-only
"""The input of a custom tool, read from the JSON of a call while it is written."""

from __future__ import annotations

import json
import re

_OPENING = re.compile(r'\s{0,64}\{\s{0,64}"input"\s{0,64}:\s{0,64}"')
_EXPECTED = '{"input":"'
_MAX_OPENING = 4 * 64 + len(_EXPECTED)
_UNIT = re.compile(r'[^"\\]+|\\u[0-9a-fA-F]{4}|\\u(?=[0-9a-fA-F]{0,3}[^0-9a-fA-F])|\\[^u]')
"""Text, an escape, or the beginning of what is none."""
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class InputText:
    """Decodes `{"input": "..."}` as it comes. What is found does not depend on the parts.

    A grammar enforces this form where it can. Anything else is kept until its end, and given as it
    is if no text `input` is in it.
    """

    def __init__(self) -> None:
        self._waiting = ""
        self._others: list[str] = []
        """All of it, if it has another form."""
        self._is_open = False
        self._is_closed = False
        self._high = ""
        """The first half of a pair of surrogates."""

    def feed(self, text: str) -> str:
        """What is certain of the input after this further part."""
        if self._is_closed:
            return ""
        if self._others:
            self._others.append(text)
            return ""
        self._waiting += text
        if not self._is_open:
            self._open()
        return self._decode() if self._is_open else ""

    def end(self) -> str:
        """The rest."""
        if self._is_open:
            return self._half()
        return _whole("".join(self._others) or self._waiting)

    def _open(self) -> None:
        if found := _OPENING.match(self._waiting):
            self._is_open = True
            self._waiting = self._waiting[found.end() :]
            return
        begun = "".join(self._waiting.split())
        is_long = len(self._waiting) > _MAX_OPENING
        if is_long or not _EXPECTED.startswith(begun):
            self._others = [self._waiting]

    def _decode(self) -> str:
        parts, place = [], 0
        while found := _UNIT.match(self._waiting, place):
            parts.append(self._text_of(found[0]))
            place = found.end()
        if self._waiting[place : place + 1] == '"':
            self._is_closed = True
            parts.append(self._half())
        self._waiting = "" if self._is_closed else self._waiting[place:]
        return "".join(parts)

    def _text_of(self, unit: str) -> str:
        if not unit.startswith("\\u"):
            text = _ESCAPES.get(unit[1], unit[1]) if unit[0] == "\\" else unit
            return self._half() + text
        if len(unit) == 2:
            return self._half() + unit
        code = int(unit[2:], 16)
        if self._high and 0xDC00 <= code < 0xE000:
            pair = 0x10000 + ((ord(self._high) - 0xD800) << 10) + (code - 0xDC00)
            self._high = ""
            return chr(pair)
        before = self._half()
        if 0xD800 <= code < 0xDC00:
            self._high = chr(code)
            return before
        return before + ("\ufffd" if 0xDC00 <= code < 0xE000 else chr(code))

    def _half(self) -> str:
        """What stands for a first half that no second one followed."""
        half, self._high = self._high, ""
        return "\ufffd" if half else ""


def _whole(arguments: str) -> str:
    """The input in arguments of another form."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    if isinstance(value, dict) and isinstance(value.get("input"), str):
        return str(value["input"])
    return value if isinstance(value, str) else arguments
