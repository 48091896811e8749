# SPDX-License-Identifier: AGPL-3.0-only
"""DeepSeek V3.2 and V4: `<｜DSML｜invoke>` with parameters that say whether they are texts."""

from __future__ import annotations

from collections.abc import Sequence

from sentiric_llama.engine.formats.call_format import CallFormat, CallReader
from sentiric_llama.engine.formats.json_text import MAX_NAME
from sentiric_llama.engine.formats.members import Members
from sentiric_llama.engine.formats.node import Node, choice, sequence, text
from sentiric_llama.engine.formats.source import Reading
from sentiric_llama.engine.formats.tool_schema import named
from sentiric_llama.types import Tool

_TAG = "｜DSML｜"
_INVOKE, _CLOSE = f'<{_TAG}invoke name="', f"</{_TAG}invoke>"
_MEMBERS = Members(
    f'<{_TAG}parameter name="',
    '" string="true">',
    f"</{_TAG}parameter>",
    json_key_end='" string="false">',
)


class Dsml(CallFormat):
    """DeepSeek V3.2; V4 has another word for the list of calls."""

    name = "deepseek-v3.2"
    marks = (f"<{_TAG}function_calls>",)
    shown = (_TAG,)
    is_list = True
    opening = "\n"
    separator = "\n"
    closing = f"\n</{_TAG}function_calls>"

    def recognises(self, rendered: str, name: str) -> bool:
        return f'{self.marks[0]}\n{_INVOKE}{name}">' in rendered

    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        calls = [
            sequence(text(f'{name}">\n'), _MEMBERS.node(schema)) for name, schema in named(tools)
        ]
        call = sequence(text(_INVOKE), choice(calls), text(_CLOSE))
        return self.listed(call, parallel=parallel)

    def read_one(self, reader: CallReader) -> Reading[bool]:
        yield from reader.source.skip_space()
        if (yield from reader.source.first_of([_INVOKE])) is None:
            return False
        name = yield from reader.source.word(['">'], MAX_NAME)
        if name is None or not reader.begin(name):
            return False
        yield from reader.source.first_of(['">'])
        yield from _MEMBERS.read(reader, reader.tools[name], _CLOSE)
        return True


class Dsml4(Dsml):
    """DeepSeek V4."""

    name = "deepseek-v4"
    marks = (f"<{_TAG}tool_calls>",)
    closing = f"\n</{_TAG}tool_calls>"
