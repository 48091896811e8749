# SPDX-License-Identifier: AGPL-3.0-only
"""Rules between the fields of a body, as JSON Schema.

The models check them in Python. The OpenAPI document says the same, so that a client or a generator
that follows it is not refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Schema = dict[str, Any]
LazySchema = Schema | Callable[[], Schema]
"""A function where a schema costs time: a start needs none."""
Rules = tuple[LazySchema, ...]

NULL: Schema = {"type": "null"}
UNSET_TEXT: Schema = {"enum": [None, ""]}
"""Of fields in which an empty text is as if they were absent."""
NO_ITEMS: Schema = {"anyOf": [NULL, {"type": "array", "maxItems": 0}]}


def made(schema: LazySchema) -> Schema:
    """The schema itself."""
    return schema() if callable(schema) else schema


def fields(required: Iterable[str] = (), **rules: Schema) -> Schema:
    """These fields follow these rules; a field that is not there follows any."""
    found: Schema = {"properties": rules} if rules else {}
    return found | ({"required": names} if (names := list(required)) else {})


def either(*rules: Schema) -> Schema:
    """One of the rules holds."""
    return {"anyOf": list(rules)}


def inlined(schema: Schema) -> Schema:
    """A schema of pydantic without `$defs`: each is put where it is referred to."""
    parts = schema.get("$defs", {})

    def put(value: Any) -> Any:
        if isinstance(value, list):
            return [put(item) for item in value]
        if not isinstance(value, dict):
            return value
        if name := str(value.get("$ref", "")).removeprefix("#/$defs/"):
            return put(parts[name] | {key: item for key, item in value.items() if key != "$ref"})
        return {key: put(item) for key, item in value.items() if key != "$defs"}

    found: Schema = put(schema)
    return found


def of_kind(kind: str, schema: Schema, *, is_default: bool = False) -> Schema:
    """The schema of an object that says its kind in `type`, unless it is the default kind."""
    found = inlined(schema)
    required = found.get("required", [])
    names = required if is_default else sorted({"type", *required})
    word: Schema = {"enum": [kind, None]} if is_default else {"const": kind}
    return found | {"properties": found["properties"] | {"type": word}, "required": names}


def other_kind(known: Iterable[str], description: str) -> Schema:
    """The schema of an object of any other kind."""
    word = {"type": "string", "not": {"enum": sorted(known)}, "description": "any other"}
    return {
        "type": "object",
        "properties": {"type": word},
        "required": ["type"],
        "description": description,
    }
