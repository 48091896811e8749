# SPDX-License-Identifier: AGPL-3.0-only
"""Random texts of a structure, and the arguments that were written into them."""

from __future__ import annotations

import json
import random
import string
from typing import Any

WORDS = (
    "Ankara",
    "İstanbul'da",
    'a "quoted" word',
    "back\\slash",
    "line\nend",
    "{[}]",
    "",
    "😀",
    "5",
)
WORDS += ("true", "null", "-", "- x", "</", "<tool_call", "a, b: c", " blanks ", "[1, 2]", '"q"')


def random_value(rng: random.Random, schema: Any) -> Any:
    """A value of a simple schema: types, properties, required, items, enum."""
    if schema is True or not isinstance(schema, dict):
        return rng.choice(WORDS)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kinds = schema.get("type", "string")
    kind = rng.choice(kinds) if isinstance(kinds, list) else kinds
    if kind == "object":
        properties = schema.get("properties", {})
        required = set(schema.get("required", ()))
        names = [name for name in properties if name in required or rng.random() < 0.7]
        return {name: random_value(rng, properties[name]) for name in names}
    if kind == "array":
        return [random_value(rng, schema.get("items", True)) for _ in range(rng.randrange(4))]
    simple = {"integer": rng.randrange(-99, 99), "number": 2.5, "boolean": True, "null": None}
    return simple[kind] if kind in simple else rng.choice(WORDS)


class Sampler:
    """Writes a random text of a node. `written` has the arguments in order."""

    def __init__(self, seed: int, max_repeat: int = 3) -> None:
        self.rng = random.Random(seed)
        self.max_repeat = max_repeat
        self.written: list[Any] = []
        self.free: list[str] = []

    def write(self, node: dict[str, Any]) -> str:
        kind = next(iter(node))
        return getattr(self, f"_{kind}")(node)

    def _text(self, node: dict[str, Any]) -> str:
        return node["text"]

    def _sequence(self, node: dict[str, Any]) -> str:
        return "".join(self.write(item) for item in node["sequence"])

    def _choice(self, node: dict[str, Any]) -> str:
        return self.write(self.rng.choice(node["choice"]))

    def _repeat(self, node: dict[str, Any]) -> str:
        least = node.get("min", 0)
        most = min(node.get("max", self.max_repeat), self.max_repeat)
        count = self.rng.randint(least, max(least, most))
        between = node.get("between", "")
        return between.join(self.write(node["repeat"]) for _ in range(count))

    def _free(self, node: dict[str, Any]) -> str:
        parts = [*WORDS, *(mark[:-1] for mark in node["free"])]
        text = "".join(self.rng.choice(parts) for _ in range(self.rng.randrange(4)))
        for mark in node["free"]:
            text = text.replace(mark, "")
        self.free.append(text)
        return text

    def _regex(self, node: dict[str, Any]) -> str:
        known = {
            "[a-zA-Z0-9]{9}": lambda: "".join(self.rng.choices(string.ascii_letters, k=9)),
            r"[ \n]{0,4}": lambda: self.rng.choice(("", "\n\n", " ")),
            r"[^{\s]": lambda: "T",
        }
        return known.get(node["regex"], lambda: str(self.rng.randrange(100)))()

    def _schema(self, node: dict[str, Any]) -> str:
        value = random_value(self.rng, node["schema"])
        self.written.append(value)
        if "quote" in node:
            return _bare(value, node["quote"])
        return json.dumps(value, ensure_ascii=self.rng.random() < 0.5)

    def _members(self, node: dict[str, Any]) -> str:
        value = random_value(self.rng, node["members"])
        for name, item in value.items():
            if isinstance(item, str):
                value[name] = item.replace(node["end"], "")
        self.written.append(value)
        return "".join(self._member(node, name, item) for name, item in value.items())

    def _member(self, node: dict[str, Any], name: str, value: Any) -> str:
        is_raw = isinstance(value, str)
        if is_raw and node["raw_key_end"] == node["json_key_end"] and name not in node["raw_names"]:
            is_raw = not _looks_like_json(value)
        key_end = node["raw_key_end"] if is_raw else node["json_key_end"]
        text = value if is_raw else json.dumps(value, ensure_ascii=False)
        return node["begin"] + name + key_end + text + node["end"] + node["after"]


def _looks_like_json(text: str) -> bool:
    begins = text[:1] in tuple('[{"0123456789') or (text[:1] == "-" and text[1:2].isdigit())
    return text != "" and (begins or text in ("true", "false", "null"))


def _bare(value: Any, quote: str) -> str:
    if isinstance(value, str):
        return quote + value + quote
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{_bare(item, quote)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_bare(item, quote) for item in value) + "]"
    return json.dumps(value)
