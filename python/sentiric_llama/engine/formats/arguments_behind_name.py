# SPDX-License-Identifier: AGPL-3.0-only
"""Calls as a name, a text that ends it, and the arguments as a JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sentiric_llama.engine.formats.call_format import CallFormat, CallReader
from sentiric_llama.engine.formats.json_text import MAX_NAME, copy_value
from sentiric_llama.engine.formats.node import Node, choice, schema, sequence, text
from sentiric_llama.engine.formats.source import Reading
from sentiric_llama.engine.formats.tool_schema import named
from sentiric_llama.types import Tool


class ArgumentsBehindName(CallFormat):
    """`before_name` name `after_name` arguments `after_arguments`, for each call."""

    before_name: ClassVar[str] = ""
    after_name: ClassVar[str]
    after_arguments: ClassVar[str] = ""

    def recognises(self, rendered: str, name: str) -> bool:
        return self.marks[0] + self.opening + self.before_name + name + self.after_name in rendered

    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        calls = [
            sequence(text(name + self.after_name), schema(arguments))
            for name, arguments in named(tools)
        ]
        begin = self.before_name if self.is_list else self.marks[0] + self.before_name
        call = sequence(text(begin), choice(calls), text(self.after_arguments))
        return self.listed(call, parallel=parallel)

    def read_one(self, reader: CallReader) -> Reading[bool]:
        source = reader.source
        yield from source.skip_space()
        if (yield from source.first_of([self.before_name])) is None:
            return False
        name = yield from source.word([self.after_name], MAX_NAME)
        if name is None or not reader.begin(name):
            return False
        yield from source.first_of([self.after_name])
        yield from source.skip_space()
        if not (yield from copy_value(source, reader.arguments)):
            return True
        yield from self._skip(reader, self.after_arguments)
        return True
