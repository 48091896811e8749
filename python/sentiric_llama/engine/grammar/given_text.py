# SPDX-License-Identifier: AGPL-3.0-only
"""Schemas, structures and choices of Python callers as JSON; errors name the wrong value."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sentiric_llama.errors import InvalidArgument, InvalidGrammar


def schema_text(schema: Any, where: str = "json_schema") -> str:
    """An object or a boolean as JSON; a text is JSON already. `where` begins places of faults."""
    if isinstance(schema, str):
        return schema
    if not isinstance(schema, Mapping | bool):
        what = f"must be an object or its JSON text; got {type(schema).__name__}"
        raise InvalidArgument(what, where=where)
    try:
        plain = dict(schema) if isinstance(schema, Mapping) else schema
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
        text.encode()
        return text
    except RecursionError:
        raise InvalidGrammar("nested too deeply", where=where) from None
    except (TypeError, ValueError) as error:
        raise next(_faults(schema, where), _unknown(error, where)) from None


def choice_text(texts: Any) -> str:
    """Texts as a JSON array."""
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        what = f"must be a list of strings; got {type(texts).__name__}"
        raise InvalidArgument(what, where="choice")
    found = list(texts)
    for index, text in enumerate(found):
        if not isinstance(text, str):
            what = f"must be a string; got {type(text).__name__}"
            raise InvalidArgument(what, where=f"choice[{index}]")
    return json.dumps(found, ensure_ascii=False)


def _faults(schema: Any, where: str) -> Iterator[InvalidGrammar]:
    """One for each value that JSON does not have, in the order of the schema."""
    waiting: list[tuple[str, Any]] = [("", schema)]
    seen: set[int] = set()  # objects may contain themselves
    while waiting:
        pointer, value = waiting.pop()
        if what := _fault(value):
            yield InvalidGrammar(f"cannot be written as JSON: {what}", where=_at(where, pointer))
        elif (parts := _parts(value)) and id(value) not in seen:
            seen.add(id(value))
            waiting += [(f"{pointer}/{name}", item) for name, item in reversed(parts)]


def _fault(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is no number of JSON"
    if isinstance(value, str) and not _is_unicode(value):
        return "a text has lone surrogates"
    if value is None or isinstance(value, str | int | float | list | tuple | Mapping):
        return ""
    return f"got {type(value).__name__}"


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(escaped(str(name)), item) for name, item in value.items()]
    if isinstance(value, list | tuple):
        return [(str(index), item) for index, item in enumerate(value)]
    return []


def escaped(name: str) -> str:
    """A name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _at(where: str, pointer: str) -> str:
    return f"{where}:{pointer}" if pointer else where


def _unknown(error: Exception, where: str) -> InvalidGrammar:
    return InvalidGrammar(f"cannot be written as JSON: {error}", where=where)
