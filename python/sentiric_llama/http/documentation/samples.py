# SPDX-License-Identifier: AGPL-3.0-only
"""An example of what a schema allows: its own, or one made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 16
"""Of references within references."""

Schemas = Mapping[str, Mapping[str, Any]]


def sample(schema: Mapping[str, Any], schemas: Schemas, depth: int = 0) -> Any:
    """A value with all fields that an answer always has."""
    if examples := schema.get("examples"):
        return examples[0]
    for word, pick in (("const", schema.get("const")), ("default", schema.get("default"))):
        if word in schema:
            return pick
    if enum := schema.get("enum"):
        return enum[0]
    if reference := schema.get("$ref"):
        return sample(schemas[named(reference)], schemas, depth + 1)
    if kinds := schema.get("anyOf") or schema.get("oneOf"):
        return sample(_first(kinds), schemas, depth)
    return _of_type(schema, schemas, depth)


def _first(kinds: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The first that is not null."""
    return next((kind for kind in kinds if kind.get("type") != "null"), kinds[0])


def _of_type(schema: Mapping[str, Any], schemas: Schemas, depth: int) -> Any:
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        wanted = schema.get("required", ()) if depth < MAX_DEPTH else ()
        fields = schema.get("properties", {})
        return {name: sample(fields[name], schemas, depth) for name in wanted if name in fields}
    if kind == "array":
        items = schema.get("items")
        return [sample(items, schemas, depth)] if items and depth < MAX_DEPTH else []
    low = schema.get("minimum", 0)
    plain = {"string": "…", "integer": low, "number": low, "boolean": False, "null": None}
    return plain[kind]


def named(reference: str) -> str:
    """The name that a reference ends with."""
    return reference.rpartition("/")[2]
