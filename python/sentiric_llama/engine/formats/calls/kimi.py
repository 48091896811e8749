# SPDX-License-Identifier: AGPL-3.0-only
"""Kimi K2: ids such as `functions.get_weather:0`, which count the calls of a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from sentiric_llama.engine.formats.call_format import CallFormat, CallReader
from sentiric_llama.engine.formats.json_text import MAX_NAME, copy_value
from sentiric_llama.engine.formats.node import Node, choice, schema, sequence, text
from sentiric_llama.engine.formats.source import Reading
from sentiric_llama.engine.formats.tool_schema import named
from sentiric_llama.types import Tool

_CALL, _ARGUMENTS, _END = (
    "<|tool_call_begin|>",
    "<|tool_call_argument_begin|>",
    "<|tool_call_end|>",
)
_NUMBER: Node = {"regex": "0|[1-9][0-9]{0,3}"}


class Kimi(CallFormat):
    name = "kimi"
    marks = ("<|tool_calls_section_begin|>",)
    shown = ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", _CALL, _ARGUMENTS, _END)
    is_list = True
    closing = "<|tool_calls_section_end|>"

    def recognises(self, rendered: str, name: str) -> bool:
        return self.marks[0] in rendered and _ARGUMENTS in rendered

    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        calls = [
            sequence(text(f"{name}:"), _NUMBER, text(_ARGUMENTS), schema(arguments))
            for name, arguments in named(tools)
        ]
        call = sequence(text(f"{_CALL}functions."), choice(calls), text(_END))
        return self.listed(call, parallel=parallel)

    def read_one(self, reader: CallReader) -> Reading[bool]:
        source = reader.source
        yield from source.skip_space()
        if (yield from source.first_of([_CALL])) is None:
            return False
        yield from source.skip_space()
        identity = yield from source.word([_ARGUMENTS], MAX_NAME + 32)
        if identity is None or not reader.begin(_name(identity.strip())):
            return False
        yield from source.first_of([_ARGUMENTS])
        yield from source.skip_space()
        if (yield from copy_value(source, reader.arguments)):
            yield from self._skip(reader, _END)
        return True


def _name(identity: str) -> str:
    return identity.removeprefix("functions.").rpartition(":")[0]
