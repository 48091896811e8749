# SPDX-License-Identifier: AGPL-3.0-only
"""Why a text is refused that is JSON: white space, and the order of members."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sentiric_llama.engine.grammar.json_place import JsonPlace, decoded, string_at

_SPACES = " \t\r\n"


def hint(schema: str, text: str, at: int, place: JsonPlace) -> str:
    """Of the character at `at`, which the schema does not allow; "" if there is nothing to add."""
    if place.string is None and text[at : at + 1] and text[at] in _SPACES:
        return _white_space(text, at)
    name = _name(text, at, place)
    if name is None:
        return ""
    if name in place.names:
        return f"the member {_quoted(name)} is there already"
    order = _order(schema, name, place.names)
    return f"members come in the order of the schema: {order}" if order else ""


def in_order(schema: str, literals: list[str]) -> list[str]:
    """Names as JSON strings in the order of the schema, if one of its objects lists them all."""
    names = [decoded(literal) for literal in literals]
    for properties, _ in _objects(schema):
        if all(name in properties for name in names):
            order = {name: number for number, name in enumerate(properties)}
            return sorted(literals, key=lambda literal: order[decoded(literal)])
    return literals


def _name(text: str, at: int, place: JsonPlace) -> str | None:
    """Of the member that begins there, in whose name that is, or that the comma there announces."""
    if place.expects == "name":
        return string_at(text, at if place.string is None else place.string)
    if place.names and text[at : at + 1] == ",":
        return string_at(text, len(text) - len(text[at + 1 :].lstrip(_SPACES)))
    return None


def _white_space(text: str, at: int) -> str:
    if text[at] == "\r":
        return "line breaks are \\n alone"
    if at and text[at - 1] in _SPACES:
        return "too much white space: at most a space, or 1 or 2 line breaks and 20 spaces or tabs"
    return "no white space may stand here"


def _order(schema: str, name: str, names: tuple[str, ...]) -> str:
    """Two members that stand the other way round: `name`, and one that is there already or that is
    required and still missing. "" if there is none."""
    for properties, required in _objects(schema):
        if name not in properties:
            continue
        order = list(properties)
        place = order.index(name)
        if behind := [other for other in names if other in order[place + 1 :]]:
            return f"{_quoted(name)} before {_quoted(behind[0])}"
        if missing := [o for o in order[:place] if o in required and o not in names]:
            return f"{_quoted(missing[0])} before {_quoted(name)}"
    return ""


def _objects(schema: str) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """The properties of each schema in it, and which names it requires."""
    todo: list[Any] = [json.loads(schema, parse_int=str)]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if isinstance(properties := value.get("properties"), dict):
                required = value.get("required")
                yield properties, required if isinstance(required, list) else []
            todo += value.values()
        elif isinstance(value, list):
            todo += value


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
