# SPDX-License-Identifier: AGPL-3.0-only
"""Where schemas stand inside a schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Schema = Any  # a dict or a bool

ONE = {
    "additionalItems", "additionalProperties", "contains", "else", "if", "items", "not",
    "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
}  # fmt: skip
MANY = {"allOf", "anyOf", "items", "oneOf", "prefixItems"}
NAMED = {
    "$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties",
}  # fmt: skip


def rewritten(schema: Schema, change: Callable[[dict[str, Any]], Schema]) -> Schema:
    """The schema after `change` of every schema in it, the inner ones first."""
    if not isinstance(schema, dict):
        return schema
    new = {}
    for keyword, value in schema.items():
        if keyword in NAMED and isinstance(value, dict):
            value = {name: rewritten(inner, change) for name, inner in value.items()}
        elif keyword in MANY and isinstance(value, list):
            value = [rewritten(inner, change) for inner in value]
        elif keyword in ONE:
            value = rewritten(value, change)
        new[keyword] = value
    return change(new)


def without_openapi(schema: Schema) -> Schema:
    """A schema of OpenAPI 3.0 in the words of draft-07."""

    def change(inner: dict[str, Any]) -> Schema:
        new = {key: value for key, value in inner.items() if key != "nullable"}
        if inner.get("nullable") is True and "type" in inner:
            new["type"] = [inner["type"], "null"]
        for bound, strict in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if isinstance(flag := inner.get(strict), bool):
                del new[strict]
                if flag and bound in new:
                    new[strict] = new.pop(bound)
        return new

    return rewritten(schema, change)
