# SPDX-License-Identifier: AGPL-3.0-only
"""Gemma 4 and FunctionGemma: `call:name{key:value}` with texts between marks instead of quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import Enum, auto

from sentiric_llama.engine.formats.call_format import CallFormat, CallReader
from sentiric_llama.engine.formats.json_text import MAX_NAME
from sentiric_llama.engine.formats.node import Node, choice, sequence, text
from sentiric_llama.engine.formats.source import Reading
from sentiric_llama.engine.formats.tool_schema import named
from sentiric_llama.types import Tool

_WORD_END = re.compile(r"[,\]}\s]")


class Gemma(CallFormat):
    """Gemma 4."""

    name = "gemma-4"
    marks = ("<|tool_call>",)
    shown = ("<|tool_call>", "<tool_call|>", '<|"|>')
    closing = "<tool_call|>"
    quote = '<|"|>'

    def recognises(self, rendered: str, name: str) -> bool:
        return f"{self.marks[0]}call:{name}{{" in rendered

    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        calls = [
            sequence(text(name), {"schema": schema, "quote": self.quote})
            for name, schema in named(tools)
        ]
        call = sequence(text(f"{self.marks[0]}call:"), choice(calls), text(self.closing))
        return self.listed(call, parallel=parallel)

    def read_one(self, reader: CallReader) -> Reading[bool]:
        source = reader.source
        yield from source.skip_space()
        if (yield from source.first_of(["call:"])) is None:
            return False
        name = yield from source.word(["{"], MAX_NAME)
        if name is None or not reader.begin(name.strip()):
            return False
        yield from _Values(reader, self.quote).read()
        return True


class FunctionGemma(Gemma):
    """FunctionGemma."""

    name = "function-gemma"
    marks = ("<start_function_call>",)
    shown = ("<start_function_call>", "<end_function_call>", "<escape>")
    closing = "<end_function_call>"
    quote = "<escape>"


class _Next(Enum):
    """What may follow."""

    VALUE = auto()
    FIRST = auto()
    """The first key or item, or the end of an empty object or list."""
    KEY = auto()
    BEHIND_VALUE = auto()


class _Values:
    """Reads one value in this notation, and writes it as JSON."""

    def __init__(self, reader: CallReader, quote: str) -> None:
        self._source = reader.source
        self._put = reader.arguments
        self._quote = quote
        self._open: list[str] = []
        """The closing brackets that are due, innermost last."""

    def read(self) -> Reading[None]:
        """Stops at the end of the value, or where the text is none."""
        following: _Next | None = _Next.VALUE
        while following is not None:
            yield from self._source.skip_space()
            if following is _Next.VALUE:
                following = yield from self._value()
            elif following is _Next.FIRST:
                following = yield from self._first()
            elif following is _Next.KEY:
                following = yield from self._key()
            else:
                following = yield from self._behind_value()

    def _value(self) -> Reading[_Next | None]:
        mark = yield from self._source.first_of([self._quote, "{", "["])
        if mark == self._quote:
            self._put('"')
            if (yield from self._source.until([self._quote], self._put_text)) is None:
                return None
            self._put('"')
            return self._end_of_value()
        if mark is None:
            yield from self._source.span(_WORD_END, self._put)
            return self._end_of_value()
        self._put(mark)
        self._open.append("}" if mark == "{" else "]")
        return _Next.FIRST

    def _put_text(self, part: str) -> None:
        self._put(json.dumps(part, ensure_ascii=False)[1:-1])

    def _first(self) -> Reading[_Next | None]:
        if (yield from self._source.first_of([self._open[-1]])) is not None:
            self._put(self._open.pop())
            return self._end_of_value()
        return _Next.KEY if self._open[-1] == "}" else _Next.VALUE

    def _key(self) -> Reading[_Next | None]:
        parts: list[str] = []  # a schema may allow names of any length
        if (yield from self._source.until([":"], parts.append)) is None:
            return None
        self._put(f"{json.dumps(''.join(parts).strip(), ensure_ascii=False)}: ")
        return _Next.VALUE

    def _behind_value(self) -> Reading[_Next | None]:
        mark = yield from self._source.first_of([",", self._open[-1]])
        if mark is None:
            return None
        if mark == ",":
            self._put(", ")
            return _Next.KEY if self._open[-1] == "}" else _Next.VALUE
        self._put(self._open.pop())
        return self._end_of_value()

    def _end_of_value(self) -> _Next | None:
        return _Next.BEHIND_VALUE if self._open else None
