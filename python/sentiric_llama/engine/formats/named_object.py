# SPDX-License-Identifier: AGPL-3.0-only
"""Calls as JSON objects that hold a name and arguments: `{"name": ..., "arguments": {...}}`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sentiric_llama.engine.formats.call_format import CallReader
from sentiric_llama.engine.formats.json_text import copy_value, read_string
from sentiric_llama.engine.formats.node import Node, choice, schema, sequence, text
from sentiric_llama.engine.formats.source import Reading
from sentiric_llama.engine.formats.tool_schema import named, quoted
from sentiric_llama.types import Tool


@dataclass(frozen=True, slots=True)
class NamedObject:
    """The keys of such an object, as the model writes them."""

    name: str = "name"
    arguments: str = "arguments"
    before: str = ""
    """Members that the model writes first, with their comma and space."""
    after: Node | None = None
    """Members that it writes last."""
    also: tuple[str, ...] = ("arguments", "parameters")
    """Other keys of the arguments, read but not written."""

    def node(self, tools: Sequence[Tool]) -> Node:
        """One call."""
        last = self.after or text("")
        calls = []
        for name, arguments in named(tools):
            opening = f'{{{self.before}"{self.name}": {quoted(name)}, "{self.arguments}": '
            calls.append(sequence(text(opening), schema(arguments), last, text("}")))
        return choice(calls)

    def read(self, reader: CallReader) -> Reading[bool]:
        """Reads one object. False if it is no call.

        The name may follow the arguments, which then wait for it.
        """
        source = reader.source
        yield from source.skip_space()
        if (yield from source.first_of(["{"])) is None:
            return False
        waiting: list[str] = []
        has_begun, has_arguments, is_whole, end = False, False, True, None
        while is_whole and (key := (yield from self._key(reader))) is not None:
            if key == self.name and not has_begun:
                name = yield from read_string(source)
                if name is None or not reader.begin(name):
                    return False
                has_begun = True
                for part in waiting:
                    reader.arguments(part)
            elif key in (self.arguments, *self.also) and not has_arguments:
                has_arguments = True
                sink = reader.arguments if has_begun else waiting.append
                is_whole = yield from copy_value(source, sink)
            else:
                is_whole = yield from copy_value(source, _drop)
            yield from source.skip_space()
            end = yield from source.first_of([",", "}"])
            if end != ",":
                break
        if has_begun and not has_arguments and end == "}":
            reader.arguments("{}")
        return has_begun

    def _key(self, reader: CallReader) -> Reading[str | None]:
        """The next key and its colon; None if there is none."""
        source = reader.source
        yield from source.skip_space()
        key = yield from read_string(source)
        yield from source.skip_space()
        if key is None or (yield from source.first_of([":"])) is None:
            return None
        yield from source.skip_space()
        return key


def _drop(_text: str) -> None:
    pass
