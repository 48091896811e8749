# SPDX-License-Identifier: AGPL-3.0-only
"""Command R7B and Command A: a list of actions between control tokens."""

from __future__ import annotations

from collections.abc import Sequence

from sentiric_llama.engine.formats.call_format import CallFormat, CallReader
from sentiric_llama.engine.formats.named_object import NamedObject
from sentiric_llama.engine.formats.node import Node, choice, schema, sequence, text
from sentiric_llama.engine.formats.source import Reading
from sentiric_llama.engine.formats.tool_schema import named, quoted
from sentiric_llama.types import Tool

_OBJECT = NamedObject(name="tool_name", arguments="parameters")
_NUMBER: Node = {"regex": "0|[1-9][0-9]{0,2}"}


class CommandR(CallFormat):
    name = "command-r"
    marks = ("<|START_ACTION|>",)
    shown = ("<|START_ACTION|>", "<|END_ACTION|>")
    is_list = True
    opening = "[\n    "
    separator = ",\n    "
    closing = "\n]<|END_ACTION|>"

    def recognises(self, rendered: str, name: str) -> bool:
        return self.marks[0] in rendered and f'"tool_name": {quoted(name)}' in rendered

    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        calls = [
            sequence(text(f'{quoted(name)}, "parameters": '), schema(arguments))
            for name, arguments in named(tools)
        ]
        begin, middle = text('{"tool_call_id": "'), text('", "tool_name": ')
        call = sequence(begin, _NUMBER, middle, choice(calls), text("}"))
        return self.listed(call, parallel=parallel)

    def read_one(self, reader: CallReader) -> Reading[bool]:
        return (yield from _OBJECT.read(reader))
