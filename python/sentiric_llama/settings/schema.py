# SPDX-License-Identifier: AGPL-3.0-only
"""The JSON schema of a configuration file, for editors and pipelines."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, SecretStr

from sentiric_llama.settings.units import unit_of


def file_schema(kind: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema 2020-12 with the file's keys; values with units may be strings."""
    schema = kind.model_json_schema(by_alias=False)
    properties: dict[str, Any] = schema["properties"]
    for name, entry in list(properties.items()):
        if unit_of(name):
            number = {key: entry.pop(key) for key in NUMBER_KEYS if key in entry}
            entry["anyOf"] = [number, {"type": "string", "pattern": r"^\d+(\.\d+)? ?[A-Za-z]+"}]
        elif entry.get("type") == "array":  # or one string with commas
            entry["anyOf"] = [{"type": "array", "items": entry.pop("items")}, {"type": "string"}]
            del entry["type"]
        if SecretStr in _kinds(kind, name):
            properties[f"{name}_file"] = {
                "type": "string",
                "description": f"a file that holds {name}",
            }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "sentiric-llama.toml",
        "additionalProperties": False,
    }


NUMBER_KEYS = ("type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def _kinds(kind: type[BaseModel], name: str) -> tuple[Any, ...]:
    return getattr(kind.model_fields[name].annotation, "__args__", ())
