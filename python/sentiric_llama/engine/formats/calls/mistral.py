# SPDX-License-Identifier: AGPL-3.0-only
"""Mistral: a list of objects behind `[TOOL_CALLS]`, or, since 2025, names and arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sentiric_llama.engine.formats.arguments_behind_name import ArgumentsBehindName
from sentiric_llama.engine.formats.call_format import CallFormat, CallReader
from sentiric_llama.engine.formats.json_text import MAX_NAME, copy_value
from sentiric_llama.engine.formats.named_object import NamedObject
from sentiric_llama.engine.formats.node import Node, choice, schema, sequence, text
from sentiric_llama.engine.formats.source import Reading
from sentiric_llama.engine.formats.tool_schema import named, quoted
from sentiric_llama.types import Tool

_MARK, _ARGS, _CALL_ID = "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"
_NINE: Node = {"regex": "[a-zA-Z0-9]{9}"}
_ID = sequence(text(', "id": "'), _NINE, text('"'))
_OBJECT = NamedObject(after=_ID)


class MistralList(CallFormat):
    """Mistral Nemo and the models of its time. The model gives each call an id of its own."""

    name = "mistral-nemo"
    marks = (_MARK,)
    shown = (_MARK,)
    is_list = True
    opening = "["
    separator = ", "
    closing = "]"

    def recognises(self, rendered: str, name: str) -> bool:
        call = re.escape(_MARK) + r'\s*\[\s*\{"name":\s*' + re.escape(quoted(name))
        return re.search(call, rendered) is not None

    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        return self.listed(_OBJECT.node(tools), parallel=parallel)

    def read_one(self, reader: CallReader) -> Reading[bool]:
        return (yield from _OBJECT.read(reader))


class Mistral(ArgumentsBehindName):
    """Ministral 3, Devstral and others since 2025."""

    name = "mistral"
    marks = (_MARK,)
    shown = (_MARK, _CALL_ID, _ARGS)
    after_name = _ARGS

    def read_one(self, reader: CallReader) -> Reading[bool]:
        source = reader.source
        name = yield from source.word([_CALL_ID, _ARGS], MAX_NAME)
        if name is None or not reader.begin(name.strip()):
            return False
        yield from source.until([_ARGS], lambda _identity: None)
        yield from source.skip_space()
        yield from copy_value(source, reader.arguments)
        return True


class MistralWithId(Mistral):
    """Mistral Small 3.2, which writes an id between name and arguments."""

    name = "mistral-small-3.2"
    after_name = _CALL_ID

    def calls(self, tools: Sequence[Tool], *, parallel: bool) -> Node:
        identity = sequence(text(_CALL_ID), _NINE, text(_ARGS))
        calls = [
            sequence(text(name), identity, schema(arguments)) for name, arguments in named(tools)
        ]
        return self.listed(sequence(text(_MARK), choice(calls)), parallel=parallel)
