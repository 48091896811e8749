# SPDX-License-Identifier: AGPL-3.0-only
"""Calls as OpenAI's chat API writes them: of functions and of custom tools, whole and in parts."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any

from sentiric_llama.http.custom_tools.input_text import InputText


def call_json(name: str, arguments: str, custom: Collection[str]) -> dict[str, Any]:
    """A whole call with a new id; `custom` names the custom tools."""
    if name not in custom:
        return _begun("function", {"name": name, "arguments": arguments})
    reader = InputText()
    text = reader.feed(arguments) + reader.end()
    return _begun("custom", {"name": name, "input": text})


def _begun(kind: str, tool: dict[str, str]) -> dict[str, Any]:
    return {"id": f"call_{secrets.token_hex(12)}", "type": kind, kind: tool}


class CallDeltas:
    """The calls of one choice, in what a stream adds to them."""

    def __init__(self, custom: Collection[str]) -> None:
        self._custom = custom
        self._index = -1
        self._reader: InputText | None = None
        """Of the call that is being written, if it is one of a custom tool."""

    def begin(self, name: str) -> list[dict[str, Any]]:
        """A further call. The one before it has ended."""
        last = self.end()
        self._index += 1
        self._reader = InputText() if name in self._custom else None
        return [*last, {"index": self._index} | call_json(name, "", self._custom)]

    def put(self, arguments: str) -> list[dict[str, Any]]:
        """A part of the arguments."""
        if self._reader is None:
            return [{"index": self._index, "function": {"arguments": arguments}}]
        return self._input(self._reader.feed(arguments))

    def end(self) -> list[dict[str, Any]]:
        """What was held back of the last call."""
        reader, self._reader = self._reader, None
        return [] if reader is None else self._input(reader.end())

    def _input(self, text: str) -> list[dict[str, Any]]:
        return [{"index": self._index, "custom": {"input": text}}] if text else []
