# SPDX-License-Identifier: AGPL-3.0-only
"""Random schemas over every keyword that the compiler enforces, from a number."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from grammar.random_patterns import PATTERNS, random_pattern
from grammar.schemas import Schema

DIALECTS = ["2020-12", "2020-12", "2020-12", "draft-07", "draft-07", "openapi-3.0"]
NAMES = [
    "a", "b", "c", "id", "name", "x-1", "çilek", "İstanbul", "ğüş", 'quo"te', "back\\slash",
    "line\nbreak", "\x01", "", "with space", "a/b", "c~d", "ab", "🦙",
]  # fmt: skip
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]
FORMATS = [
    "date", "time", "date-time", "duration", "uuid", "email", "hostname", "ipv4", "ipv6", "uri",
    "uri-reference", "uri-template", "json-pointer", "relative-json-pointer", "unknown-format",
]  # fmt: skip
THEMES: list[list[str]] = [
    [], [], ["number", "integer"], ["string"], ["object"], ["array"], ["array", "object"],
]  # fmt: skip
NUMBERS = [0, 1, 2, 3, 5, 10, 17, 99, 100, 1000, 65535, -1, -2, -7, -100, 0.5, 1.5, -0.5, 2.25,
           0.1, 0.01, 99.99, 1e3, 1e21, 123456789, 1e-7]  # fmt: skip
DIVISORS = [1, 2, 3, 5, 7, 10, 12, 100, 0.1, 0.5, 0.25, 0.01, 1.5, 2.5, 0.3, 1e3, 64]
CONSTANTS = [
    None, True, False, 0, 1, 2, -1, 1.0, 0.5, 1e2, 12345678901, "", "a", "ab", "abc", "b", "çğ",
    "🦙", 'a "quoted" one', "back\\slash", "line\nbreak", "\x01", "/", [], [1], ["a"], [1, "a"],
    [[1]], {}, {"a": 1}, {"b": "a", "a": None}, {"ç": [True]}, [{"a": 1}, 2],
]  # fmt: skip

ANNOTATIONS: list[dict[str, Any]] = [
    {"title": "Ad"}, {"description": "a\nb"}, {"default": {"a": 1}}, {"$comment": "type: null"},
    {"x-order": ["a"]}, {"examples": [1]}, {"readOnly": True}, {"contentMediaType": "text/html"},
    {"minimun": 3}, {"deprecated": False},
]  # fmt: skip

_CLASSES = {
    "null": type(None), "boolean": bool, "integer": int, "number": int | float, "string": str,
    "array": list, "object": dict,
}  # fmt: skip


def is_a(value: Any, kind: str) -> bool:
    return isinstance(value, _CLASSES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def random_schema(number: int) -> tuple[str, Schema]:
    """The dialect and the schema of this number."""
    rng = random.Random(number)
    dialect = rng.choice(DIALECTS)
    return dialect, _Writer(rng, dialect).document()


class _Writer:
    def __init__(self, rng: random.Random, dialect: str) -> None:
        self.rng = rng
        self.dialect = dialect
        self.modern = dialect == "2020-12"
        self.definitions = rng.sample(["one", "two", "a/b c", "çok"], rng.choice([0, 0, 0, 1, 2]))
        self.keep_keywords = rng.choice([0.3, 0.5, 0.8])
        self.patterns = rng.random() < 0.5
        self.names = rng.sample(NAMES, 5)
        self.theme = rng.choice(THEMES)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def document(self) -> Schema:
        depth = self.rng.choice([1, 2, 2, 3])
        schema = self.schema(depth)
        if isinstance(schema, bool) or not self.definitions:
            return schema
        word = "$defs" if self.modern else "definitions"
        named = {name: self.schema(depth - 1) for name in self.definitions}
        if "$ref" in schema and not self.modern:
            schema = {"allOf": [schema]}  # beside $ref nothing counts
        schema[word] = named
        if self.modern and isinstance(first := named[self.definitions[0]], dict):
            schema |= self.by_name(first, schema.get("allOf", []))
        return schema

    def by_name(self, target: dict[str, Any], others: list[Schema]) -> dict[str, Any]:
        """A reference to the schema by an anchor or an identifier, or none."""
        way = self.rng.choice(["$anchor", "$dynamicAnchor", "$id", *[""] * 6])
        if not way:
            return {}
        if way == "$id":
            if "#" in json.dumps(target):
                return {}  # its own references would mean something else
            target["$id"] = "https://example.org/schemas/inner"
            reference = self.rng.choice(["inner", "/schemas/inner", target["$id"], "inner#"])
            made = {"allOf": [*others, {"$ref": reference}]}
            return made | {"$id": "https://example.org/schemas/outer.json"}
        target[way] = "here"
        word = "$dynamicRef" if way == "$dynamicAnchor" else "$ref"
        return {"allOf": [*others, {word: "#here"}]}

    def schema(self, depth: int, types: list[str] | None = None) -> Schema:
        rng = self.rng
        if self.chance(0.04) and self.dialect != "openapi-3.0":
            return rng.choice([True, True, False])
        if self.definitions and self.chance(0.25 if depth > 0 else 0.1):
            reference = {"$ref": self.reference()}
            return reference | self.simple(depth - 1) if self.modern and depth > 0 else reference
        types = types or self.types(depth)
        schema = self.simple(depth, types)
        if depth > 0 and self.chance(0.4):
            for _ in range(rng.choice([1, 1, 2])):
                schema |= self.combination(depth - 1, types if self.chance(0.8) else None)
        if depth > 0 and self.modern and self.chance(0.1):
            schema["unevaluatedProperties"] = rng.choice([False, self.small(depth - 1)])
        if depth > 0 and self.modern and self.chance(0.06) and "contains" not in schema:
            schema["unevaluatedItems"] = rng.choice([False, self.small(depth - 1)])
        if self.chance(0.05):
            schema |= self.rng.choice(ANNOTATIONS)
        return schema

    def reference(self) -> str:
        if self.chance(0.15):
            return "#"
        name = self.rng.choice(self.definitions).replace("~", "~0").replace("/", "~1")
        word = "$defs" if self.modern else "definitions"
        return f"#/{word}/{name.replace(' ', '%20')}"

    def types(self, depth: int) -> list[str]:
        theme = [kind for kind in self.theme if depth > 0 or kind not in ("array", "object")]
        if theme and self.chance(0.8):
            return [self.rng.choice(theme)]
        types = self.rng.sample(TYPES if depth > 0 else TYPES[:5], 1 if self.chance(0.8) else 2)
        if depth > 0 and self.chance(0.4):
            types[0] = self.rng.choice(["array", "object", "object"])
        return list(dict.fromkeys(types))

    def simple(self, depth: int, types: list[str] | None = None) -> dict[str, Any]:
        """Types, values and what each type may be."""
        rng = self.rng
        types = types or self.types(depth)
        schema: dict[str, Any] = {}
        if self.dialect == "openapi-3.0":
            types = types[:1]
            schema["type"] = "string" if types[0] == "null" else types[0]
            if self.chance(0.2):
                schema["nullable"] = self.chance(0.8)
        elif self.chance(0.85):
            schema["type"] = types[0] if len(types) == 1 and self.chance(0.9) else types
        if self.chance(0.08):
            schema["const"] = self.constant(types)
        elif self.chance(0.12):
            schema["enum"] = [self.constant(types) for _ in range(rng.choice([1, 2, 3, 5]))]
            schema["enum"] = [
                v for i, v in enumerate(schema["enum"]) if v not in schema["enum"][:i]
            ]
        for kind in types:
            schema |= self.of_type(kind, depth)
        if self.chance(0.05):
            schema |= self.of_type(rng.choice(TYPES), depth)
        return schema

    def constant(self, types: list[str]) -> Any:
        """Mostly of one of the types."""
        kind = self.rng.choice(types)
        if self.chance(0.9) and kind != "object":
            return self.rng.choice([value for value in CONSTANTS if is_a(value, kind)])
        if self.chance(0.4):
            return self.rng.choice(CONSTANTS)
        return {name: self.rng.choice(CONSTANTS) for name in self.rng.sample(self.names, 2)}

    def of_type(self, kind: str, depth: int) -> dict[str, Any]:
        makers: dict[str, Callable[[int], dict[str, Any]]] = {
            "integer": self.number,
            "number": self.number,
            "string": self.string,
            "array": self.array,
            "object": self.object,
        }
        made = makers.get(kind, lambda _: {})(depth)
        return {word: value for word, value in made.items() if self.chance(self.keep_keywords)}

    def number(self, _depth: int) -> dict[str, Any]:
        low = self.rng.choice(NUMBERS)
        high = low + abs(self.rng.choice(NUMBERS)) if self.chance(0.9) else self.rng.choice(NUMBERS)
        made: dict[str, Any] = {"minimum": low, "maximum": high}
        if self.chance(0.3):
            made["multipleOf"] = self.rng.choice(DIVISORS)
        if self.dialect == "openapi-3.0":
            return made | {"exclusiveMinimum": self.chance(0.5), "exclusiveMaximum": True}
        if self.chance(0.3):
            made["exclusiveMinimum"] = made["minimum"]
        if self.chance(0.3):
            made["exclusiveMaximum"] = made.pop("maximum")
        return made

    def string(self, _depth: int) -> dict[str, Any]:
        low = self.rng.choice([0, 0, 1, 2, 3, 5])
        made: dict[str, Any] = {}
        if self.chance(0.5):
            made |= {"minLength": low, "maxLength": low + self.rng.choice([0, 1, 2, 5, 40])}
        if self.patterns and self.chance(0.4):
            made["pattern"] = self.pattern()
        if self.chance(0.2):
            made["format"] = self.rng.choice(FORMATS)
        return made

    def pattern(self) -> str:
        if self.chance(0.5):
            return self.rng.choice(list(PATTERNS))
        return random_pattern(self.rng)[0]

    def small(self, depth: int) -> Schema:
        if self.chance(0.4) and self.dialect != "openapi-3.0":
            return self.chance(0.3)
        return self.schema(max(depth, 0))

    def array(self, depth: int) -> dict[str, Any]:
        rng = self.rng
        low = rng.choice([0, 0, 1, 2])
        made: dict[str, Any] = {}
        if self.chance(0.5):
            made |= {"minItems": low, "maxItems": low + rng.choice([0, 1, 2, 3])}
        some = [self.schema(depth - 1) for _ in range(rng.choice([1, 2, 3]))]
        if self.dialect == "openapi-3.0":
            made["items"] = self.schema(depth - 1)
        elif self.modern:
            made["items"] = self.small(depth - 1)
            if self.chance(0.4):
                made["prefixItems"] = some
        elif self.chance(0.4):
            made |= {"items": some, "additionalItems": self.small(depth - 1)}
        else:
            made["items"] = self.small(depth - 1)
        if self.chance(0.25) and self.dialect != "openapi-3.0":
            made["contains"] = self.schema(depth - 1)
            if self.modern:
                made |= {"minContains": rng.choice([0, 1, 2]), "maxContains": rng.choice([1, 2, 4])}
        if self.chance(0.25):
            made["uniqueItems"] = self.chance(0.9)
            if self.chance(0.6):
                made["items"] = {"enum": rng.sample(CONSTANTS[:23], rng.choice([2, 3, 6]))}
        return made

    def object(self, depth: int) -> dict[str, Any]:
        rng = self.rng
        names = rng.sample(self.names, rng.choice([1, 2, 3, 4]))
        made: dict[str, Any] = {
            "properties": {name: self.schema(depth - 1) for name in names},
            "required": rng.sample(self.names, 1) if self.chance(0.2) else names[:1],
        }
        if self.chance(0.6):
            made["additionalProperties"] = self.small(depth - 1)
        if self.chance(0.25):
            low = rng.choice([0, 1, 2])
            made |= {"minProperties": low, "maxProperties": low + rng.choice([0, 1, 2, 3])}
        if self.dialect == "openapi-3.0":
            return made
        if self.patterns and self.chance(0.3):
            patterns = rng.sample(["^a", "b$", "^[a-z]{1,2}$", "^[^a-z]", "ç|i", "^$", ".", "-"], 2)
            made["patternProperties"] = {
                pattern: self.small(depth - 1) for pattern in patterns[: rng.choice([1, 2])]
            }
        if self.chance(0.15):
            made["propertyNames"] = rng.choice(
                [{"maxLength": 2}, {"minLength": 1}, {"enum": names}, {"const": names[0]},
                 {"not": {"enum": names[:2]}}, {"format": "date"}, self.small(0)]
            )  # fmt: skip
        if self.chance(0.2):
            needs = {rng.choice(names): rng.sample(self.names, rng.choice([0, 1, 2]))}
            schemas = {rng.choice(names): rng.choice([False, self.schema(depth - 1, ["object"])])}
            if self.modern:
                made |= {"dependentRequired": needs, "dependentSchemas": schemas}
            else:
                made["dependencies"] = rng.choice([needs, schemas])
        return made

    def combination(self, depth: int, types: list[str] | None) -> dict[str, Any]:
        word = self.rng.choice(["allOf", "anyOf", "oneOf", "not", "if"])
        if word == "not" or (word == "if" and self.dialect == "openapi-3.0"):
            return {"not": self.schema(self.rng.choice([0, depth]), types)}
        if word == "if":
            made = {part: self.schema(depth, types) for part in ("if", "then", "else")}
            if self.chance(0.2):
                del made[self.rng.choice(["if", "then", "else"])]
            return made
        return {word: [self.schema(depth, types) for _ in range(self.rng.choice([1, 2, 2, 3]))]}
