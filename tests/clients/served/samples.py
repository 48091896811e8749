# SPDX-License-Identifier: AGPL-3.0-only
"""Small values that a schema allows, the same each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KNOWN: Mapping[str, Any] = {"city": "Ankara", "name": "Ada", "age": 36, "answer": "42"}
"""By the name of a member, where its type allows it."""
PLAIN: Mapping[str, Any] = {
    "string": "text",
    "integer": 7,
    "number": 1.5,
    "boolean": True,
    "null": None,
}
_TYPES = {"string": str, "integer": int, "number": (int, float)}


def sample(schema: Any, root: Any = None, name: str = "") -> Any:
    """`root` is where references begin; `name` is the member whose value is made."""
    root = schema if root is None else root
    if not isinstance(schema, dict):
        return PLAIN["string"]
    if "$ref" in schema:
        return sample(_target(schema["$ref"], root), root, name)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return sample(schema[word][0], root, name)
    return _typed(schema, root, name)


def _target(reference: str, root: Any) -> Any:
    found = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _typed(schema: dict[str, Any], root: Any, name: str) -> Any:
    members = schema.get("properties", {})
    kind = schema.get("type", "object" if members else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        required = schema.get("required", members)
        return {key: sample(members[key], root, key) for key in members if key in required}
    if kind == "array":
        items = schema.get("items", {})
        return [sample(items, root, name) for _ in range(schema.get("minItems", 1))]
    known = KNOWN.get(name)
    return known if kind in _TYPES and isinstance(known, _TYPES[kind]) else PLAIN[kind]
