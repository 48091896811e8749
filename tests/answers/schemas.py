# SPDX-License-Identifier: AGPL-3.0-only
"""Random schemas of tools' arguments: objects with the keywords that tools use, and all others."""

from __future__ import annotations

import functools
import json
import random
from typing import Any

from grammar.random_schemas import random_schema
from sentiric_llama import Grammar
from sentiric_llama.errors import InvalidGrammar

WITHOUT_VALUES = ("no value is valid", "refers to itself without")
"""How schemas are refused that no value satisfies."""

FOUND_IN_AGENTS: tuple[dict[str, Any], ...] = (
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "The command"},
            "timeout": {"type": "number", "description": "Milliseconds (max 600000)"},
            "run_in_background": {"type": "boolean"},
        },
        "required": ["command"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"script": {"type": "string", "maxLength": 524288}},
        "required": ["script"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {
            "questions": {
                "type": "array",
                "minItems": 1,
                "maxItems": 4,
                "items": {
                    "type": "object",
                    "properties": {
                        "question": {"type": "string"},
                        "options": {"type": "array", "items": {"type": "string"}, "minItems": 2},
                        "multiSelect": {"type": "boolean", "default": False},
                    },
                    "required": ["question", "options"],
                    "additionalProperties": False,
                },
            },
            "answers": {
                "type": "object",
                "propertyNames": {"type": "string"},
                "additionalProperties": {"type": "string"},
            },
        },
        "required": ["questions"],
    },
    {
        "type": "object",
        "properties": {
            "id": {"type": "string", "pattern": "^[a-z0-9-]{1,16}$"},
            "url": {"type": "string", "format": "uri"},
            "status": {"anyOf": [{"const": "pending"}, {"const": "done"}, {"type": "null"}]},
            "plan": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "step": {"type": "string"},
                        "status": {"type": "string", "enum": ["pending", "in_progress"]},
                    },
                    "required": ["step", "status"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["id"],
        "additionalProperties": False,
    },
)


@functools.cache
def tool_schema(number: int) -> dict[str, Any]:
    """The schema of this number: first those found in agents, then random ones."""
    if number < len(FOUND_IN_AGENTS):
        return FOUND_IN_AGENTS[number]
    if number % 3:
        return _typical(random.Random(number))
    dialect, schema = random_schema(number)
    for other in range(number * 1000, number * 1000 + 500):
        is_object = isinstance(schema, dict) and schema.get("type") == "object"
        if is_object and dialect == "2020-12" and _has_values(schema):
            return schema
        dialect, schema = random_schema(other)
    return _typical(random.Random(number))


def _has_values(schema: dict[str, Any]) -> bool:
    """Whether any value satisfies it. One that is refused for another reason is kept."""
    try:
        Grammar.from_json_schema(json.dumps(schema)).is_prefix("")
    except InvalidGrammar as error:
        return not any(words in str(error) for words in WITHOUT_VALUES)
    return True


def _typical(rng: random.Random) -> dict[str, Any]:
    simple: list[dict[str, Any]] = [
        {"type": "string"},
        {"type": "string", "maxLength": 12},
        {"type": "string", "enum": ["celsius", "fahrenheit"]},
        {"type": ["string", "null"]},
        {"type": "integer", "minimum": 0, "maximum": 100},
        {"type": "number"},
        {"type": "boolean"},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": "array", "items": {"type": "string", "maxLength": 8}, "maxItems": 3},
        {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "string"}}},
        {"$ref": "#/$defs/name"},
    ]
    names = rng.sample(
        ["city", "days", "a b", "x-1", "ünvan", "note", "tags", "q"], rng.randint(1, 5)
    )
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: rng.choice(simple) for name in names},
        "required": rng.sample(names, rng.randint(0, len(names))),
        "$defs": {"name": {"type": "string", "minLength": 1}},
    }
    if rng.random() < 0.8:
        schema["additionalProperties"] = False
    return schema
