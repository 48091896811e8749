# SPDX-License-Identifier: AGPL-3.0-only
"""Hermes 2 and 3, Qwen 2.5 and 3, QwQ: a JSON object between `<tool_call>` and `</tool_call>`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from sentiric_llama.engine.formats.call_format import CallFormat, CallReader
from sentiric_llama.engine.formats.named_object import NamedObject
from sentiric_llama.engine.formats.node import Node, sequence, text
from sentiric_llama.engine.formats.source import Reading
from sentiric_llama.engine.formats.tool_schema import quoted
from sentiric_llama.types import Tool

_BEGIN, _END = "<tool_call>", "</tool_call>"
_OBJECT = NamedObject()


class Hermes(CallFormat):
    name = "hermes"
    marks = (_BEGIN,)
    shown: ClassVar[tuple[str, ...]] = (_BEGIN, _END)
    separator = "\n"
    closing = _END

    def recognises(self, rendered: str, name: str) -> bool:
        call = re.escape(_BEGIN) + r'\s*\{\s*"name":\s*' + re.escape(quoted(name))
        return re.search(call, rendered) is not None

    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        call = sequence(text(f"{_BEGIN}\n"), _OBJECT.node(tools), text(f"\n{_END}"))
        return self.listed(call, parallel=parallel)

    def read_one(self, reader: CallReader) -> Reading[bool]:
        return (yield from _OBJECT.read(reader))
