# SPDX-License-Identifier: AGPL-3.0-only
"""Schemas like those that tools, extraction and configuration use, from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.grammars.shapes import Leaves, Schema, Shape

_NAMES = """
id name title summary description status kind priority created_at updated_at email phone
address street city country postal_code amount currency quantity unit price tax total notes
tags labels owner assignee path query limit offset language content url image width height
start end duration score confidence reason source target latitude longitude timezone firstName
lastName dateOfBirth isActive maxResults filePath lineNumber errorCode retryCount
"""
NAMES = _NAMES.split()
VERBS = ["get", "search", "create", "update"]


@dataclass(frozen=True)
class Case:
    """A schema and a text of it; both as JSON."""

    name: str
    schema: str
    text: str


def cases(count: int, seed: int) -> Iterator[Case]:
    for number in range(count):
        writer = Writer(random.Random(f"{seed} {number}"))
        kinds = sorted(writer.documents())
        kind = kinds[number % len(kinds)]
        shape = writer.documents()[kind]()
        yield Case(f"{kind}-{number}", _json(shape.schema), _json(shape.write()))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


class Writer(Leaves):
    def documents(self) -> dict[str, Callable[[], Shape]]:
        """Kinds of whole schemas."""
        return {
            "tool": self.tool_call,
            "record": lambda: self.record(2),
            "list": lambda: self.array(self.record(1)),
            "union": self.union,
            "tree": self.tree,
            "map": lambda: self.record(0, extra={"settings": self.map(self.record(1))}),
            "shared": self.shared,
            "wide": self.wide,
            "unique": lambda: self.record(1, extra={"tags": self.unique(), "roles": self.unique()}),
            "deep": self.deep,
        }

    def names(self, count: int) -> list[str]:
        return self.rng.sample(NAMES, count)

    def described(self, shape: Shape) -> Shape:
        """Often with a description, as models want it."""
        if self.rng.random() < 0.5:
            return shape
        text = self.words(4, 20) if self.rng.random() < 0.97 else self.words(150, 300)
        return Shape(shape.schema | {"description": text}, shape.write)

    def field(self, depth: int) -> Shape:
        if depth <= 0 or self.rng.random() < 0.75:
            return self.described(self.any())
        makers = [lambda: self.record(depth - 1)] * 3 + [
            lambda: self.array(self.field(depth - 1)),
            lambda: self.array(self.record(depth - 1)),
            lambda: self.map(self.any()),
            self.union,
            self.tuple,
        ]
        return self.described(self.rng.choice(makers)())

    def record(self, depth: int, width: int = 0, extra: dict[str, Shape] | None = None) -> Shape:
        names = self.names(width or self.rng.randint(2, 7))
        fields = {name: self.field(depth) for name in names}
        return self.object(fields | (extra or {}))

    def deep(self, depth: int = 5) -> Shape:
        """Objects in objects, all the way down."""
        fields = {name: self.field(0) for name in self.names(self.rng.randint(1, 3))}
        if depth:
            fields["inner"] = self.deep(depth - 1)
        return self.object(fields)

    def object(self, fields: dict[str, Shape], all_required: bool = False) -> Shape:
        optional = 0.0 if all_required else self.rng.choice([0.0, 0.3, 0.7])
        needed = [name for name in fields if self.rng.random() >= optional]
        schema: Schema = {
            "type": "object",
            "properties": {name: shape.schema for name, shape in fields.items()},
        }
        if needed:
            schema["required"] = needed
        if self.rng.random() < 0.7:
            schema["additionalProperties"] = False
        return Shape(
            schema,
            lambda: {
                name: shape.write()
                for name, shape in fields.items()
                if name in needed or self.rng.random() < 0.5
            },
        )

    def array(self, item: Shape) -> Shape:
        low, high = self.rng.choice([(0, None), (1, None), (1, 10), (0, 5), (2, 4), (1, 100)])
        schema: Schema = {"type": "array", "items": item.schema}
        if low:
            schema["minItems"] = low
        if high:
            schema["maxItems"] = high
        return Shape(
            schema, lambda: [item.write() for _ in range(self.rng.randint(max(low, 1), 4))]
        )

    def unique(self) -> Shape:
        """Mostly of few values; rarely of any strings."""
        if self.rng.random() < 0.15:
            schema: Schema = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
            return Shape(schema, lambda: [f"{self.letters(4)}{number}" for number in range(3)])
        item = self.choice()
        values = item.schema["enum"]
        most = min(len(values), 4)
        schema = {"type": "array", "items": item.schema, "uniqueItems": True}
        return Shape(schema, lambda: self.rng.sample(values, self.rng.randint(1, most)))

    def tuple(self) -> Shape:
        parts = [self.number(), self.number(), self.choice()]
        schema: Schema = {
            "type": "array",
            "prefixItems": [part.schema for part in parts],
            "items": False,
            "minItems": 3,
        }
        return Shape(schema, lambda: [part.write() for part in parts])

    def map(self, value: Shape) -> Shape:
        """Keys that are not known before."""
        if self.rng.random() < 0.3:
            schema: Schema = {
                "type": "object",
                "patternProperties": {"^[a-z][a-z0-9_]*$": value.schema},
                "additionalProperties": False,
            }
        else:
            schema = {"type": "object", "additionalProperties": value.schema}
        return Shape(
            schema, lambda: {self.letters(6): value.write() for _ in range(self.rng.randint(1, 3))}
        )

    def union(self) -> Shape:
        """Objects that a tag tells apart."""
        tags = self.rng.sample(["text", "image", "audio", "error", "done", "call", "result"], 4)
        ways = []
        for tag in tags[: self.rng.randint(2, 4)]:
            kind = Shape({"const": tag}, lambda tag=tag: tag)  # type: ignore[misc]
            fields = {name: self.field(0) for name in self.names(self.rng.randint(1, 5))}
            ways.append(self.object({"type": kind} | fields, all_required=True))
        word = self.rng.choice(["anyOf", "anyOf", "oneOf"])
        return Shape({word: [way.schema for way in ways]}, lambda: self.rng.choice(ways).write())

    def tool_call(self) -> Shape:
        """One of several functions with its arguments."""
        calls = []
        for number in range(self.rng.randint(1, 6)):
            name = f"{self.rng.choice(VERBS)}_{self.letters(5)}{number}"
            constant = Shape({"const": name}, lambda name=name: name)  # type: ignore[misc]
            arguments = self.record(1, self.rng.randint(1, 6))
            call = self.object({"name": constant, "arguments": arguments}, all_required=True)
            calls.append(call)
        return Shape(
            {"anyOf": [call.schema for call in calls]} if len(calls) > 1 else calls[0].schema,
            lambda: self.rng.choice(calls).write(),
        )

    def tree(self) -> Shape:
        """Nodes with nodes below them."""
        base = self.object({name: self.any() for name in self.names(3)}, all_required=True)
        node: Schema = base.schema | {
            "properties": base.schema["properties"]
            | {"children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": [*base.schema["required"], "children"],
        }

        def write(depth: int = 3) -> object:
            below = self.rng.randint(1, 2) if depth else 0
            return base.write() | {"children": [write(depth - 1) for _ in range(below)]}

        return Shape({"$ref": "#/$defs/node", "$defs": {"node": node}}, write)

    def shared(self) -> Shape:
        """Definitions that several places refer to, and a record that adds to one of them."""
        parts = {name: self.record(0) for name in ("Party", "Money", "Location")}
        names = iter(self.names(8))
        fields = {}
        for name in ("Party", "Money", "Location", "Party", "Money"):
            fields[next(names)] = Shape({"$ref": f"#/$defs/{name}"}, parts[name].write)
        fields["lines"] = self.array(Shape({"$ref": "#/$defs/Money"}, parts["Money"].write))
        whole = self.object(fields)
        definitions = {"$defs": {name: part.schema for name, part in parts.items()}}
        return Shape(definitions | whole.schema, whole.write)

    def wide(self) -> Shape:
        """More properties than one would like."""
        count = self.rng.choice([15, 25, 50])
        names = [f"{name}_{number}" for number, name in enumerate(self.rng.choices(NAMES, k=count))]
        return self.object({name: self.described(self.any()) for name in names})
