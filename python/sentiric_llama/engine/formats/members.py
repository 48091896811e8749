# SPDX-License-Identifier: AGPL-3.0-only
"""Arguments as marked members, which are not JSON: `<parameter=city>Ankara</parameter>`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sentiric_llama.engine.formats.call_format import CallReader
from sentiric_llama.engine.formats.json_text import copy_value
from sentiric_llama.engine.formats.node import Node
from sentiric_llama.engine.formats.source import Reading, Sink
from sentiric_llama.engine.formats.tool_schema import arguments_schema
from sentiric_llama.types import Tool

_JSON_BEGINS = re.compile(r'[\[{"]|-?[0-9]')
_JSON_WORDS = ("true", "false", "null")
_MAX_REFERENCES = 16


@dataclass(frozen=True, slots=True)
class Members:
    """How members are written.

    A text stands as it is where the schema allows only texts, or where `raw_key_end` says so. Other
    values are JSON; a text among them that could be taken for JSON stands in quotes.
    """

    begin: str
    raw_key_end: str
    end: str
    json_key_end: str = ""
    """What ends the key of a value that is JSON, if it differs."""
    after: str = "\n"

    def node(self, schema: dict[str, Any]) -> Node:
        """The members that the schema allows."""
        return {
            "members": schema,
            "begin": self.begin,
            "raw_key_end": self.raw_key_end,
            "json_key_end": self.json_key_end or self.raw_key_end,
            "end": self.end,
            "after": self.after,
            "raw_names": [] if self.json_key_end else sorted(texts_only(schema)),
        }

    def read(self, reader: CallReader, tool: Tool, close: str) -> Reading[None]:
        """Reads all members up to `close`, and writes them as a JSON object."""
        source, raw = reader.source, texts_only(arguments_schema(tool))
        key_ends = [end for end in (self.raw_key_end, self.json_key_end) if end]
        separator = "{"
        while True:
            yield from source.skip_space()
            mark = yield from source.first_of([self.begin, close])
            if mark is None and source.is_cut([self.begin, close]):
                return  # there might have been more
            if mark != self.begin:
                break
            key: list[str] = []
            ending = yield from source.until(key_ends, key.append)
            name = "".join(key)
            reader.arguments(f"{separator}{json.dumps(name, ensure_ascii=False)}: ")
            separator = ", "
            is_raw = name in raw if len(key_ends) == 1 else ending == self.raw_key_end
            if not (yield from self._value(reader, is_raw=is_raw, may_be_raw=len(key_ends) == 1)):
                return
        reader.arguments("{}" if separator == "{" else "}")

    def _value(self, reader: CallReader, *, is_raw: bool, may_be_raw: bool) -> Reading[bool]:
        """One value and its end. False if it is cut off."""
        source = reader.source
        if not is_raw and (not may_be_raw or (yield from self._is_json(reader))):
            yield from source.has(1)
            sink: Sink = reader.arguments
            if source.text.startswith(("{", "[", '"')):
                yield from copy_value(source, reader.arguments)
                sink = _drop
            return (yield from source.until([self.end], sink)) is not None
        reader.arguments('"')
        ending = yield from source.until(
            [self.end], lambda part: reader.arguments(json.dumps(part, ensure_ascii=False)[1:-1])
        )
        if ending is not None:
            reader.arguments('"')
        return ending is not None

    def _is_json(self, reader: CallReader) -> Reading[bool]:
        """Whether the value is JSON and not a text."""
        source = reader.source
        words = [word + self.end for word in _JSON_WORDS]
        while True:
            if _JSON_BEGINS.match(source.text) or source.text.startswith(tuple(words)):
                return True
            may_follow = any(word.startswith(source.text) for word in ("-", *words))
            if source.has_ended or not may_follow:
                return False
            yield


def texts_only(schema: dict[str, Any]) -> set[str]:
    """The properties that can only be texts, as far as their schemas say so at once."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return set()
    return {name for name, value in properties.items() if _is_text(value, schema)}


def _is_text(schema: Any, root: dict[str, Any]) -> bool:
    for _ in range(_MAX_REFERENCES):
        if not isinstance(schema, dict):
            return False
        if schema.get("type") == "string" or isinstance(schema.get("const"), str):
            return True
        values = schema.get("enum")
        if isinstance(values, list) and values and all(isinstance(v, str) for v in values):
            return True
        schema = _referenced(schema.get("$ref"), root)
    return False


def _referenced(reference: Any, root: dict[str, Any]) -> Any:
    """The schema in `$defs` or `definitions` that a plain reference means."""
    steps: Sequence[str] = reference.split("/") if isinstance(reference, str) else ()
    if len(steps) != 3 or steps[0] != "#" or steps[1] not in ("$defs", "definitions"):
        return None
    found = root.get(steps[1])
    return found.get(steps[2]) if isinstance(found, dict) else None


def _drop(_text: str) -> None:
    pass
