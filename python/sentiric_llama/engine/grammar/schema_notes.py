# SPDX-License-Identifier: AGPL-3.0-only
"""What a JSON schema says without effect, and probably not on purpose."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from sentiric_llama import _host
from sentiric_llama.engine.grammar.given_text import escaped

FORMATS = (
    *("date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uri"),
    *("uri-reference", "uri-template", "uuid", "json-pointer", "relative-json-pointer"),
)
"""Those that the compiler enforces. It refuses others of the specification by name."""

_NEAR = 0.6
"""How alike two names are that may be meant for each other; `difflib` measures it."""
_LONGEST = 64
"""No slip of a finger is longer."""


@dataclass(frozen=True, slots=True)
class SchemaNote:
    """Something without effect: its place as a JSON pointer, and what it is."""

    pointer: str
    what: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.what}"


def schema_notes(text: str) -> tuple[SchemaNote, ...]:
    """Keywords and formats that the compiler does not know, in the order of the schema.

    Raises ValueError for a text that is no JSON, RecursionError for one that is nested deeply; a
    schema that compiles is neither.
    """
    root = json.loads(text)
    schemas = list(_schemas(root))
    targets = [pointer for _, schema in schemas if (pointer := _reference(schema))]
    found = (note for pointer, schema in schemas for note in _notes(pointer, schema))
    return tuple(
        note for note in found if not any(f"{to}/".startswith(f"{note.pointer}/") for to in targets)
    )


def _schemas(root: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object that is a schema, once, with its pointer; also those that only a $ref finds."""
    waiting: list[tuple[str, Any]] = [("", root)]
    seen: set[int] = set()
    while waiting:
        pointer, schema = waiting.pop()
        if not isinstance(schema, dict) or id(schema) in seen:
            continue
        seen.add(id(schema))
        yield pointer, schema
        inner = [each for keyword in schema for each in _inner(pointer, keyword, schema[keyword])]
        target = _reference(schema)
        found = [(target, _value_at(root, target))] if target else []
        waiting += [*found, *reversed(inner)]


def _inner(pointer: str, keyword: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The schemas that a keyword holds."""
    forms, place = _places().get(keyword, ()), f"{pointer}/{escaped(keyword)}"
    if isinstance(value, dict):
        if "schema" in forms:
            yield place, value
        elif "map" in forms:
            yield from ((f"{place}/{escaped(name)}", item) for name, item in value.items())
    elif isinstance(value, list) and "list" in forms:
        yield from ((f"{place}/{index}", item) for index, item in enumerate(value))


def _reference(schema: Mapping[str, Any]) -> str:
    """The pointer of a $ref within the document, "" for any other."""
    target = schema.get("$ref")
    if isinstance(target, str) and target.startswith("#/"):
        return unquote(target[1:])
    return ""


def _value_at(root: Any, pointer: str) -> Any:
    value = root
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return value


def _notes(pointer: str, schema: Mapping[str, Any]) -> Iterator[SchemaNote]:
    for name, value in schema.items():
        place = f"{pointer}/{escaped(name)}"
        if name not in _keywords() and not name.startswith("x-"):
            yield SchemaNote(place, f"unknown keyword, without effect{_hint(name, _keywords())}")
        elif name == "format" and isinstance(value, str) and value not in FORMATS:
            what = f"unknown format {value!r}, which is not enforced{_hint(value, FORMATS)}"
            yield SchemaNote(place, what)


@functools.cache
def _keywords() -> tuple[str, ...]:
    return tuple(name for name, _ in _host.schema_keywords())


@functools.cache
def _places() -> Mapping[str, Sequence[str]]:
    return _host.schema_places()


def _hint(name: str, known: Iterable[str]) -> str:
    """The known name that is most like it, whatever its capitals."""
    if len(name) > _LONGEST:
        return ""
    by_small = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_small, n=1, cutoff=_NEAR)
    return f"; did you mean {by_small[near[0]]}?" if near else ""
