# SPDX-License-Identifier: AGPL-3.0-only
"""Llama 3: an answer that is a JSON object, without a mark of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sentiric_llama.engine.formats.call_format import CallFormat, CallReader
from sentiric_llama.engine.formats.named_object import NamedObject
from sentiric_llama.engine.formats.node import Node, free, optional, repeat, sequence
from sentiric_llama.engine.formats.source import Reading
from sentiric_llama.engine.formats.tool_schema import quoted
from sentiric_llama.types import Tool

_OBJECT = NamedObject(arguments="parameters")
_PYTHON_TAG = "<|python_tag|>"


class Llama3(CallFormat):
    """Llama 3.1 to 3.3. An answer that begins with a brace is a call, and nothing else is.

    Some of these models write the tag for calls of code in front of it.
    """

    name = "llama-3"
    marks = (_PYTHON_TAG,)
    shown = (_PYTHON_TAG,)
    begins_answer = "{"
    is_list = True
    separator = "; "

    def recognises(self, rendered: str, name: str) -> bool:
        call = r'\{"name":\s*' + re.escape(quoted(name)) + r',\s*"parameters":'
        return re.search(call, rendered) is not None

    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        return repeat(_OBJECT.node(tools), self.separator, parallel=parallel)

    def free_text(self, marks: Sequence[str]) -> Node:
        return optional(sequence({"regex": r"[^{\s]"}, free(marks)))

    def read_one(self, reader: CallReader) -> Reading[bool]:
        return (yield from _OBJECT.read(reader))
