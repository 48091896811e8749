# SPDX-License-Identifier: AGPL-3.0-only
"""Schemas in words: what a field may be, and the fields of an object as a list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sentiric_llama.http.documentation.markup import (
    Markup,
    code,
    element,
    joined,
    link,
    sentences,
    with_code,
)
from sentiric_llama.http.documentation.samples import named

Schema = Mapping[str, Any]
NULL = {"type": "null"}


def place_of(name: str) -> str:
    """The id of a schema on the page."""
    return f"schema-{name}"


def words_of(schema: Schema) -> Markup:
    """What a value may be, in a few words. That it may be null is told once for all."""
    if reference := schema.get("$ref"):
        return link(named(reference), f"#{place_of(named(reference))}")
    if "const" in schema:
        return code(_json(schema["const"]))
    if enum := schema.get("enum"):
        return _either([code(_json(value)) for value in enum if value is not None])
    if kinds := schema.get("anyOf") or schema.get("oneOf"):
        return _either([words_of(kind) for kind in kinds if kind != NULL])
    return _of_type(schema)


def _of_type(schema: Schema) -> Markup:
    kind = schema.get("type")
    if isinstance(kind, list):
        return _either([words_of({**schema, "type": one}) for one in kind if one != "null"])
    if excluded := schema.get("not"):
        return joined("anything but ", words_of(excluded))
    if kind == "array":
        return joined("list of ", _many(schema, "Items"), _items(schema))
    if kind == "string":
        length = _many(schema, "Length")
        return joined("text", *([" of ", length.strip(), " characters"] if length else []))
    if kind in ("integer", "number"):
        return joined(str(kind), " " if _range(schema) else "", _range(schema))
    if kind == "object" and (title := schema.get("title")):
        return joined(str(title))
    return joined(str(kind or "anything"))


def _items(schema: Schema) -> Markup:
    items = schema.get("items")
    return words_of(items) if items else joined("values")


def _many(schema: Schema, what: str) -> str:
    """How many items or characters there may be: `1 to 8 `; "" for any."""
    low, high = schema.get(f"min{what}"), schema.get(f"max{what}")
    if high is not None:
        return f"{low} to {high} " if low else f"up to {high} "
    return f"at least {low} " if low else ""


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None or high is None:
        return ""
    bound = "" if abs(high) >= 2**31 - 1 else f"{high:g}"
    return f"{low:g}..{bound}" if abs(low) < 2**63 - 1 else "of 64 bits"


def _either(parts: list[Markup]) -> Markup:
    found: list[str] = []
    for part in dict.fromkeys(parts):
        found += [part] if not found else [" or ", part]
    return joined(*found)


def fields_of(schema: Schema) -> Markup:
    """The fields of an object: name, what it may be, what it is by default."""
    required = schema.get("required", ())
    rows = [_row(name, field, name in required) for name, field in schema["properties"].items()]
    return element("dl", *rows)


def _row(name: str, field: Schema, is_required: bool) -> Markup:
    marks = [element("span", "required", class_="required")] if is_required else []
    default = field.get("default")
    told = [joined(" · default ", code(_json(default)))] if default not in (None, [], {}) else []
    about = [sentences(field["description"])] if field.get("description") else []
    inner = [inner_of(part) for part in objects_in(field)]
    words = element("span", words_of(field), *told, class_="kind")
    return element("div", element("dt", code(name), *marks), element("dd", words, *about, *inner))


def inner_of(schema: Schema) -> Markup:
    """An object that stands within a field, folded."""
    title = str(schema.get("title") or schema.get("description") or "fields")
    return element("details", element("summary", with_code(title)), described(schema))


def described(schema: Schema) -> Markup:
    """What a schema says of itself, its fields, and the rules between them."""
    parts = [sentences(str(schema.get("description", "")))]
    if schema.get("properties"):
        parts.append(fields_of(schema))
    parts += [_rule(rule) for rule in schema.get("allOf", ())]
    return joined(*parts)


def _rule(rule: Schema) -> Markup:
    """What must hold of several fields."""
    choices = [element("li", _demand(choice)) for choice in rule.get("anyOf", [rule])]
    told = element("p", "One of these holds:" if len(choices) > 1 else "Besides:")
    inner = [inner_of(part) for choice in rule.get("anyOf", [rule]) for part in _inside(choice)]
    return element("div", told, element("ul", *choices), *dict.fromkeys(inner), class_="rule")


def _demand(choice: Schema) -> Markup:
    """What one choice of a rule says of each field."""
    found: list[str] = []
    for name, field in choice.get("properties", {}).items():
        is_empty = field == NULL or field.get("enum") == [None, ""] or _is_no_list(field)
        told = joined(code(name), " is ", "left out" if is_empty else words_of(field))
        found += [" and ", told] if found else [told]
    return joined(*found)


def _is_no_list(field: Schema) -> bool:
    return any(kind.get("maxItems") == 0 for kind in field.get("anyOf", ()))


def _inside(choice: Schema) -> Iterator[Schema]:
    """The objects that a choice spells out, each with a title of its own."""
    for field in choice.get("properties", {}).values():
        yield from (each for each in objects_in(field) if each.get("title"))


def objects_in(schema: Schema) -> Iterator[Schema]:
    """The objects with fields that a schema spells out."""
    if schema.get("properties"):
        yield schema
        return
    parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if isinstance(items := schema.get("items"), dict):
        parts.append(items)
    for part in parts:
        yield from objects_in(part)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
