# SPDX-License-Identifier: AGPL-3.0-only
"""Fields that constrain an answer, under the names of llama-server, vLLM and Ollama.

All protocols share them. null is as if the field were absent; so is an empty text in those of
`EMPTY_IS_UNSET`, which clients send for "unset". An empty schema allows every JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sentiric_llama.errors import InvalidArgument, SentiricLlamaError
from sentiric_llama.types import Grammar
from sentiric_llama.types.ranges import out_of_range, shown

SCHEMA_FIELDS = ("json_schema", "guided_json")
TEXT_FIELDS = {"grammar": "gbnf", "guided_grammar": "gbnf", "guided_regex": "regex"}
GRAMMAR_FIELDS = (
    *TEXT_FIELDS,
    *SCHEMA_FIELDS,
    *("guided_choice", "format", "structured_outputs"),
)
EMPTY_IS_UNSET = frozenset({*TEXT_FIELDS, "format"})
STRUCTURED = ("json", "json_object", "regex", "choice", "grammar")
"""Of vLLM's `structured_outputs`, exactly one."""

NAMES_ELSEWHERE: Mapping[str, str] = {
    "json": "guided_json",
    "json_object": 'format: "json"',
    "regex": "guided_regex",
    "choice": "guided_choice",
    "choices": "guided_choice",
    "gbnf": "grammar",
}
"""Names that these constraints have in the library, in `Chat` or in `structured_outputs`, and here.

A caller who mixes them up wants a constraint, so it must not be ignored as unknown fields are.
"""
NOTHING = (None, False, "")
"""What such a name may ask for without effect."""


class Wanted(NamedTuple):
    """The field, as its caller wrote it, and what it asks for."""

    field: str = ""
    grammar: Grammar | None = None


def grammar_of(field: str, value: Any) -> Wanted:
    """What a field of GRAMMAR_FIELDS asks for. Raises InvalidArgument with its name."""
    if value is None or (value == "" and field in EMPTY_IS_UNSET):
        return Wanted()
    if field in SCHEMA_FIELDS:
        return Wanted(field, schema_grammar(value, field))
    if field in TEXT_FIELDS:
        return Wanted(field, _text_grammar(TEXT_FIELDS[field], value, field))
    if field == "guided_choice":
        return Wanted(field, _choice(value, field))
    if field == "format":
        return Wanted(field, Grammar("json_object") if value == "json" else _ollama_schema(value))
    return _structured(value)


def one_grammar(fields: Mapping[str, Any]) -> Wanted:
    """The field that is set, and its grammar; "" and None if none is."""
    return the_only(grammar_of(name, fields.get(name)) for name in GRAMMAR_FIELDS)


def the_only(found: Iterable[Wanted]) -> Wanted:
    """The only one that has a grammar. Raises InvalidArgument if there are two."""
    wanted = [each for each in found if each.grammar is not None]
    if len(wanted) > 1:
        fields = [each.field for each in wanted]
        what = f"only one field may constrain the answer; got {' and '.join(fields)}"
        raise InvalidArgument(what, where=fields[-1])
    return wanted[0] if wanted else Wanted()


def refuse_names_elsewhere(fields: Mapping[str, Any]) -> None:
    """Raises InvalidArgument for a constraint under the name of another interface."""
    for name, here in NAMES_ELSEWHERE.items():
        if fields.get(name) not in NOTHING:
            raise InvalidArgument(f"unknown field; did you mean {here}?", where=name)


def blame(error: SentiricLlamaError, field: str) -> SentiricLlamaError:
    """The error; one about a grammar or schema names the field that the caller used."""
    kind, _, position = error.where.partition(":")
    if kind.partition("/")[0] == "structure":
        return type(error)(error.what, where=":".join(filter(None, (field or "tools", position))))
    if kind not in ("grammar", "json_schema", "regex", "choice") or not field:
        return error
    return type(error)(error.what, where=":".join(filter(None, (field, position))))


def schema_grammar(schema: Any, field: str) -> Grammar:
    """A schema as the text that the engine takes; a string is that text already."""
    if schema == "":
        raise InvalidArgument("must not be empty; allowed an object or its JSON text", where=field)
    if isinstance(schema, str):
        return Grammar("json_schema", schema)
    if not isinstance(schema, dict):
        raise out_of_range(field, schema, "an object or its JSON text")
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return Grammar("json_schema", text)


def _ollama_schema(value: Any) -> Grammar:
    if not isinstance(value, dict):
        raise out_of_range("format", value, '"json" or a JSON schema')
    return schema_grammar(value, "format")


def _text_grammar(kind: Any, value: Any, field: str) -> Grammar:
    if not isinstance(value, str):
        raise out_of_range(field, value, "a string")
    return Grammar(kind, value)


def _choice(value: Any, field: str) -> Grammar:
    allowed = "a list of at least one string"
    if not isinstance(value, list) or not value:
        raise InvalidArgument(f"got {shown(value)}, allowed {allowed}", where=field)
    for index, text in enumerate(value):
        if not isinstance(text, str):
            raise out_of_range(f"{field}.{index}", text, "a string")
    return Grammar("choice", json.dumps(value, ensure_ascii=False))


def _structured(value: Any) -> Wanted:
    where, allowed = "structured_outputs", f"an object with one of {', '.join(STRUCTURED)}"
    if not isinstance(value, dict):
        raise out_of_range(where, value, allowed)
    for name, option in value.items():
        if name not in STRUCTURED and option not in NOTHING:
            what = f"this option is not supported; allowed one of {', '.join(STRUCTURED)}"
            raise InvalidArgument(what, where=f"{where}.{name}")
    found = the_only(_structured_one(name, value.get(name)) for name in STRUCTURED)
    if found.grammar is None:
        raise InvalidArgument(f"sets none of its options; allowed {allowed}", where=where)
    return found


def _structured_one(name: str, option: Any) -> Wanted:
    where = f"structured_outputs.{name}"
    if option is None or option is False or (option == "" and name in ("regex", "grammar")):
        return Wanted()
    if name == "json":
        return Wanted(where, schema_grammar(option, where))
    if name == "choice":
        return Wanted(where, _choice(option, where))
    if name == "json_object":
        if option is not True:
            raise out_of_range(where, option, "true or false")
        return Wanted(where, Grammar("json_object"))
    kind = "gbnf" if name == "grammar" else "regex"
    return Wanted(where, _text_grammar(kind, option, where))
