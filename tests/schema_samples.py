# SPDX-License-Identifier: AGPL-3.0-only
"""JSON schemas of every supported kind, put together from a frozen random stream."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]
WORDS = ["alpha", "beta", "gamma", "çilek", "name", "size", "x-y", "with space", 'quo"te', "9lives"]
PATTERNS = ["^[a-z]{2,6}$", "^[A-Z][a-z]+-[0-9]{3}$", "^(yes|no|maybe)$", "^v[0-9]\\.[0-9]{1,2}$"]
CONSTANTS = [
    "yes",
    'a "quoted" one',
    "line\nbreak",
    17,
    -2.5,
    True,
    None,
    "çğ 🦙",
    [1, "a"],
    {"k": 1},
]


def sample(number: int) -> Schema:
    """Schema `number`: every third one needs definitions, every tenth is recursive."""
    writer = _Writer(random.Random(number))
    schema = writer.object(depth=1 + number % 3)
    if number % 3 == 0:
        schema["$defs"] = {"part": writer.leaf(), "group": writer.object(depth=1)}
        schema["properties"]["one"] = {"$ref": "#/$defs/part"}
        schema["properties"]["many"] = writer.array({"$ref": "#/$defs/group"})
        schema["required"] += ["one", "many"]
    if number % 10 == 0:
        node = {
            "type": "object",
            "properties": {
                "id": {"type": "integer", "minimum": 0, "maximum": 99},
                "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]},
            },
            "required": ["id", "next"],
            "additionalProperties": False,
        }
        schema.setdefault("$defs", {})["node"] = node
        schema["properties"]["list"] = {"$ref": "#/$defs/node"}
        schema["required"].append("list")
    return schema


class _Writer:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.leaves: list[Callable[[], Schema]] = [
            self.string, self.integer, self.enum, self.const, self.pattern, self.union, self.plain
        ]  # fmt: skip

    def leaf(self) -> Schema:
        return self.rng.choice(self.leaves)()

    def value(self, depth: int) -> Schema:
        if depth <= 0:
            return self.leaf()
        kind = self.rng.randrange(5)
        if kind == 0:
            return self.object(depth - 1)
        if kind == 1:
            return self.array(self.value(depth - 1))
        if kind == 2:
            return {"anyOf": [self.value(depth - 1), self.leaf()]}
        return self.leaf()

    def object(self, depth: int) -> Schema:
        """Some properties are optional, at least one is required."""
        names = self.rng.sample(WORDS, self.rng.randint(1, 4))
        return {
            "type": "object",
            "properties": {name: self.value(depth) for name in names},
            "required": names[: self.rng.randint(1, len(names))],
            "additionalProperties": False,
        }

    def array(self, items: Schema) -> Schema:
        low = self.rng.randint(0, 2)
        schema = {"type": "array", "items": items, "maxItems": low + self.rng.randint(0, 2)}
        return {**schema, "minItems": low} if low else schema

    def string(self) -> Schema:
        low = self.rng.randint(0, 3)
        return {"type": "string", "minLength": low, "maxLength": low + self.rng.randint(0, 8)}

    def integer(self) -> Schema:
        low = self.rng.choice([-1000, -7, 0, 1, 18, 99999])
        bounds = {"minimum": low, "maximum": low + self.rng.choice([0, 3, 81, 12345])}
        keep = self.rng.choice([("minimum", "maximum"), ("minimum",), ("maximum",)])
        if keep == ("maximum",) and bounds["maximum"] < 0:
            keep = ("minimum",)  # see test_single_features
        return {"type": "integer", **{name: bounds[name] for name in keep}}

    def enum(self) -> Schema:
        return {"enum": self.rng.sample(CONSTANTS, self.rng.randint(1, 4))}

    def const(self) -> Schema:
        return {"const": self.rng.choice(CONSTANTS)}

    def pattern(self) -> Schema:
        return {"type": "string", "pattern": self.rng.choice(PATTERNS)}

    def union(self) -> Schema:
        return {"type": self.rng.sample(["boolean", "null", "integer"], 2)}

    def plain(self) -> Schema:
        return {"type": self.rng.choice(["boolean", "null", "number"])}
