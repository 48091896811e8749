# SPDX-License-Identifier: AGPL-3.0-only
"""Calls as a name followed by marked members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sentiric_llama.engine.formats.call_format import CallFormat, CallReader
from sentiric_llama.engine.formats.json_text import MAX_NAME
from sentiric_llama.engine.formats.members import Members
from sentiric_llama.engine.formats.node import Node, choice, sequence, text
from sentiric_llama.engine.formats.source import Reading
from sentiric_llama.engine.formats.tool_schema import named
from sentiric_llama.types import Tool


class Tagged(CallFormat):
    """The texts around name and members; `marks` has one mark, which begins each call."""

    before_name: ClassVar[str]
    after_name: ClassVar[str]
    close: ClassVar[str]
    """What follows the last member; `closing` follows it."""
    members: ClassVar[Members]

    def recognises(self, rendered: str, name: str) -> bool:
        head = self.marks[0] + self.before_name + name + self.after_name + self.members.begin
        return head in rendered and self.members.end in rendered

    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        calls = [
            sequence(text(name + self.after_name), self.members.node(schema))
            for name, schema in named(tools)
        ]
        call = sequence(
            text(self.marks[0] + self.before_name),
            choice(calls),
            text(self.close + self.closing),
        )
        return self.listed(call, parallel=parallel)

    def read_one(self, reader: CallReader) -> Reading[bool]:
        source = reader.source
        yield from source.skip_space()
        if (yield from source.first_of([self.before_name.strip()])) is None:
            return False
        ends = [self.after_name, self.members.begin, self.close]
        name = yield from source.word([end for end in ends if end], MAX_NAME)
        if name is None or not reader.begin(name.strip()):
            return False
        yield from source.first_of([self.after_name])
        yield from self.members.read(reader, reader.tools[name.strip()], self.close)
        return True
