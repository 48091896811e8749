# SPDX-License-Identifier: AGPL-3.0-only
"""JSON that arrives in parts: one value is copied as it is written, without being parsed."""

from __future__ import annotations

import json
import re

from sentiric_llama.engine.formats.source import Reading, Sink, Source

MAX_NAME = 256
"""Characters of a name, or of any other string that is read whole."""

_STOPS = re.compile(r'["{}\[\]]')
_STRING_STOPS = re.compile(r'["\\]')
_SCALAR_END = re.compile(r"[,}\]\s]")


class JsonScanner:
    """Finds the end of a value that begins with a brace, a bracket or a quote."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._is_escaped = False
        self._has_begun = False

    def scan(self, text: str) -> int | None:
        """Where the value ends in this further part of the text; None if it does not."""
        place = 0
        while place < len(text):
            if self._has_begun and not self._depth and not self._in_string:
                return place
            place = self._step(text, place)
        is_over = self._has_begun and not self._depth and not self._in_string
        return place if is_over else None

    def _step(self, text: str, place: int) -> int:
        if self._is_escaped:
            self._is_escaped = False
            return place + 1
        found = (_STRING_STOPS if self._in_string else _STOPS).search(text, place)
        if found is None:
            return len(text)
        self._has_begun = True
        mark = found[0]
        if mark == "\\":
            self._is_escaped = True
        elif mark == '"':
            self._in_string = not self._in_string
        else:
            self._depth += 1 if mark in "{[" else -1
        return found.end()


def copy_value(source: Source, sink: Sink) -> Reading[bool]:
    """Reads one value and gives its text to `sink` part by part. False if it is cut off."""
    if not (yield from source.has(1)):
        return False
    if source.text[0] not in '{["':
        yield from source.span(_SCALAR_END, sink)
        return True
    scanner = JsonScanner()
    while True:
        end = scanner.scan(source.text)
        sink(source.take(len(source.text) if end is None else end))
        if end is not None:
            return True
        if source.has_ended:
            return False
        yield


def read_string(source: Source) -> Reading[str | None]:
    """Reads a short string; None if there is none."""
    parts: list[str] = []
    if not (yield from source.has(1)) or source.text[0] != '"':
        return None
    scanner, size = JsonScanner(), 0
    while True:
        end = scanner.scan(source.text)
        parts.append(source.take(len(source.text) if end is None else end))
        size += len(parts[-1])
        if end is not None:
            return _decoded("".join(parts))
        if source.has_ended or size > 6 * MAX_NAME:
            return None
        yield


def _decoded(text: str) -> str | None:
    try:
        value = json.loads(text, strict=False)
    except ValueError:
        return None
    return value if isinstance(value, str) and len(value) <= MAX_NAME else None
