# SPDX-License-Identifier: AGPL-3.0-only
"""Random values for a schema: some by its rules, as far as they are simple, and near misses."""

from __future__ import annotations

import copy
import random
from typing import Any
from urllib.parse import unquote

from grammar.random_patterns import PATTERNS
from grammar.random_schemas import CONSTANTS, NAMES, NUMBERS, TYPES, is_a
from grammar.schemas import Schema

FORMATTED = {
    "date": ["2024-02-29", "2023-02-29", "1999-12-31"],
    "time": ["10:20:30Z", "23:59:60Z", "10:20:30+02:00", "10:20"],
    "date-time": ["2024-02-29T10:20:30.5Z", "2024-01-01t00:00:00z", "2024-01-01 00:00"],
    "duration": ["P1Y2M3DT4H5M6S", "PT0S", "P2W", "P", "P1Y1W"],
    "uuid": ["2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380", "x"],
    "email": ["ada@example.org", "a.b+c@d.co", "@x"],
    "hostname": ["example.org", "localhost", "a-b.c9", "-a.b"],
    "ipv4": ["127.0.0.1", "256.1.1.1", "1.2.3"],
    "ipv6": ["::1", "2001:db8::ff00:42:8329", "::ffff:1.2.3.4", "1::2::3"],
    "uri": ["https://example.org/a?b=c#d", "urn:isbn:1", "/relative"],
    "uri-reference": ["/a/b?c", "#x", "https://example.org", "\\\\x"],
    "uri-template": ["/a/{b}", "{+x,y}", "{"],
    "json-pointer": ["", "/a~1b/0", "a"],
    "relative-json-pointer": ["0", "1/a", "0#", "-1"],
}
TEXTS = ["", "a", "ab", "abc", "b", "ç", "İstanbul", "🦙", 'q"', "\\", "\n", "a b", "12", "x" * 45]


def random_values(schema: Schema, rng: random.Random, count: int) -> list[Any]:
    """About a third by the rules, a third of these changed once, the others more often."""
    writer = _Writer(schema, rng)
    values = []
    for index in range(count):
        value = writer.value(schema, 6)
        for _ in range((0, 1, rng.choice([1, 2, 3]))[index % 3]):
            value = changed(value, rng)
        values.append(value)
    return values


class _Writer:
    def __init__(self, root: Schema, rng: random.Random) -> None:
        self.root = root
        self.rng = rng

    def value(self, schema: Schema, depth: int) -> Any:
        if not isinstance(schema, dict) or depth == 0:
            return self.rng.choice(CONSTANTS[:20])
        schema = self.merged(schema, depth)
        if "const" in schema:
            return copy.deepcopy(schema["const"])
        if schema.get("enum"):
            return copy.deepcopy(self.rng.choice(schema["enum"]))
        types = schema.get("type", self.rng.choice(TYPES))
        kind = types if isinstance(types, str) else self.rng.choice(types)
        if schema.get("nullable") is True and self.rng.random() < 0.2:
            kind = "null"
        return getattr(self, "make_" + kind)(schema, depth - 1)

    def merged(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        """The schema with what its combinations say, one way through them."""
        if depth == 0:
            return schema
        ways = [*schema.get("allOf", [])]
        ways += [self.rng.choice(schema[word]) for word in ("anyOf", "oneOf") if word in schema]
        if "if" in schema and self.rng.random() < 0.5:
            ways += [schema["if"], schema.get("then", True)]
        else:
            ways.append(schema.get("else", True))
        if "$ref" in schema:
            ways.append(self.target(schema["$ref"]))
        merged = dict(schema)
        for way in ways:
            if not isinstance(way, dict):
                continue
            for word, value in self.merged(way, depth - 1).items():
                known = merged.get(word)
                if isinstance(known, dict) and isinstance(value, dict) and word != "const":
                    merged[word] = known | value
                elif word == "required" and isinstance(known, list):
                    merged[word] = list(dict.fromkeys(known + value))
                elif word not in merged or self.rng.random() < 0.7:
                    merged[word] = value
        return merged

    def target(self, reference: str) -> Schema:
        if not reference.startswith("#/"):
            return True
        target: Any = self.root
        for step in unquote(reference).split("/")[1:]:
            target = target[step.replace("~1", "/").replace("~0", "~")]
        return target

    def make_null(self, _schema: dict[str, Any], _depth: int) -> Any:
        return None

    def make_boolean(self, _schema: dict[str, Any], _depth: int) -> Any:
        return self.rng.random() < 0.5

    def make_integer(self, schema: dict[str, Any], depth: int) -> Any:
        return tidy(round(self.make_number(schema, depth)))

    def make_number(self, schema: dict[str, Any], _depth: int) -> Any:
        rng = self.rng
        low = schema.get("exclusiveMinimum", schema.get("minimum"))
        low = schema.get("minimum", 0) if isinstance(low, bool) or low is None else low
        high = schema.get("exclusiveMaximum", schema.get("maximum"))
        high = schema.get("maximum", low + 50) if isinstance(high, bool) or high is None else high
        value = rng.choice([low, high, low + 1, high - 1, (low + high) / 2, rng.choice(NUMBERS)])
        divisor = schema.get("multipleOf")
        if divisor and rng.random() < 0.8:
            value = round(round(value / divisor) * divisor, 6)
        return tidy(value)

    def make_string(self, schema: dict[str, Any], _depth: int) -> Any:
        pool = [*TEXTS, *PATTERNS.values()]
        pool = FORMATTED.get(schema.get("format", ""), pool)
        if schema.get("pattern") in PATTERNS:
            pool = [PATTERNS[schema["pattern"]]]
        text = self.rng.choice(pool)
        low, high = schema.get("minLength", 0), schema.get("maxLength", 100)
        if low <= len(text) <= high or self.rng.random() < 0.1:
            return text
        return (text + self.rng.choice("xç🦙") * max(low - len(text), 0))[:high]

    def make_array(self, schema: dict[str, Any], depth: int) -> Any:
        low = schema.get("minItems", 0)
        size = min(self.rng.randint(low, max(low, schema.get("maxItems", low + 3))), 8)
        prefix = schema.get("prefixItems", [])
        rest = schema.get("items", True)
        if isinstance(rest, list):
            prefix, rest = rest, schema.get("additionalItems", True)
        if "contains" in schema and self.rng.random() < 0.5:
            rest = schema["contains"]
        places = [prefix[i] if i < len(prefix) else rest for i in range(size)]
        return [self.value(place, depth) for place in places]

    def make_object(self, schema: dict[str, Any], depth: int) -> Any:
        rng = self.rng
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        chance = rng.choice([0.0, 0.5, 1.0])
        value = {}
        for name in [*properties, *(name for name in required if name not in properties)]:
            if name in required or rng.random() < chance:
                value[name] = self.value(properties.get(name, True), depth)
        while len(value) < schema.get("minProperties", 0) or rng.random() < 0.2:
            rest = schema.get("additionalProperties", True)
            value[rng.choice(NAMES)] = self.value(rest, depth)
        return value


def tidy(number: int | float) -> int | float:
    """A number that every double and every reader keeps."""
    if isinstance(number, int):
        return number if abs(number) < 10**15 else 10**6
    return round(number, 8) if abs(number) < 1e9 else 1e9


def plain(value: Any) -> Any:
    """Without halves of surrogate pairs and numbers that readers change."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {plain(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return tidy(value) if is_a(value, "number") else value


def changed(value: Any, rng: random.Random) -> Any:
    """A copy with one change somewhere."""
    if isinstance(value, list) and value and rng.random() < 0.6:
        index = rng.randrange(len(value))
        return [*value[:index], changed(value[index], rng), *value[index + 1 :]]
    if isinstance(value, dict) and value and rng.random() < 0.6:
        name = rng.choice(list(value))
        return value | {name: changed(value[name], rng)}
    if isinstance(value, list) and rng.random() < 0.8:
        at = rng.randint(0, len(value))
        return rng.choice([
            value[:at] + value[at + 1 :],
            [*value[:at], rng.choice(CONSTANTS), *value[at:]],
            value + value[:1],
            value[::-1],
        ])  # fmt: skip
    if isinstance(value, dict) and rng.random() < 0.8:
        gone = rng.choice([*value, ""])
        if rng.random() < 0.5:
            return {name: inner for name, inner in value.items() if name != gone}
        return value | {rng.choice(NAMES): rng.choice(CONSTANTS)}
    if isinstance(value, str) and rng.random() < 0.7:
        return rng.choice([value[:-1], value[1:], value + rng.choice("aç1\n"), value.upper()])
    if isinstance(value, int | float) and rng.random() < 0.7:
        return tidy(rng.choice([value + 1, value - 1, -value, value + 0.5, value * 10]))
    return copy.deepcopy(rng.choice(CONSTANTS))
