# SPDX-License-Identifier: AGPL-3.0-only
"""What the compiler under test says about schemas and texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from grammar.schemas import Schema
from sentiric_llama._host import Grammar, Matcher
from sentiric_llama.errors import SentiricLlamaError

MAX_TRIES = 3_000


def compiled(schema: Schema) -> Grammar:
    """Errors: SentiricLlamaError."""
    return Grammar.json_schema(json.dumps(schema, ensure_ascii=False))


def refusal(schema: Schema) -> str:
    """Why the compiler refuses it; empty where it does not."""
    try:
        compiled(schema)
    except SentiricLlamaError as error:
        return str(error)
    return ""


def accepts(grammar: Grammar, text: str) -> bool:
    matcher = Matcher(grammar)
    raw = text.encode()
    return matcher.advance(raw) == len(raw) and matcher.can_end


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class TooManyOrdersError(Exception):
    """Whether the value is accepted is not known."""


class _Orders:
    """Every order of members that the grammar follows, found step by step."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._tries = 0

    def allows(self, text: str) -> bool:
        self._tries += 1
        if self._tries > MAX_TRIES:
            raise TooManyOrdersError
        raw = text.encode()
        return Matcher(self._grammar).advance(raw) == len(raw)

    def spelled(self, text: str, value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from self._members(text + "{", value, list(value))
        elif isinstance(value, list):
            yield from self._items(text + "[", value, 0)
        elif self.allows(longer := text + written(value)):
            yield longer

    def _members(self, text: str, value: dict[str, Any], left: list[str]) -> Iterator[str]:
        if not left and self.allows(text + "}"):
            yield text + "}"
        for name in left:
            start = text + ("," if len(left) < len(value) else "") + written(name) + ":"
            if not self.allows(start):
                continue
            rest = [other for other in left if other != name]
            for longer in self.spelled(start, value[name]):
                yield from self._members(longer, value, rest)

    def _items(self, text: str, value: list[Any], index: int) -> Iterator[str]:
        if index == len(value):
            if self.allows(text + "]"):
                yield text + "]"
            return
        for longer in self.spelled(text + ("," if index else ""), value[index]):
            yield from self._items(longer, value, index + 1)


def _without_points(value: Any) -> Any:
    """The value with integers in the place of equal numbers with a point."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _without_points(inner) for name, inner in value.items()}
    return [_without_points(inner) for inner in value] if isinstance(value, list) else value


def accepted_text(grammar: Grammar, value: Any) -> str | None:
    """A text of the value that the grammar accepts, with members in whatever order; None if none.

    Items that must be unique have one spelling, 1 and not 1.0.

    Errors: TooManyOrdersError.
    """
    orders = _Orders(grammar)
    for same in (value, _without_points(value)):
        if accepts(grammar, text := written(same)):
            return text
        for text in orders.spelled("", same):
            if accepts(grammar, text):
                return text
    return None
