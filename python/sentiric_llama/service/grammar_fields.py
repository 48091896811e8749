# SPDX-License-Identifier: AGPL-3.0-only
"""Fields that constrain an answer, under the names of llama-server, vLLM and Ollama.

All protocols share them. One that asks for nothing ("", {}, []) is as if it were absent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import Grammar
from sentiric_llama.types.ranges import out_of_range

SCHEMA_FIELDS = ("json_schema", "guided_json")
TEXT_FIELDS = {"grammar": "gbnf", "guided_grammar": "gbnf", "guided_regex": "regex"}
GRAMMAR_FIELDS = (
    *TEXT_FIELDS,
    *SCHEMA_FIELDS,
    *("guided_choice", "format", "structured_outputs"),
)
STRUCTURED = ("json", "json_object", "regex", "choice", "grammar")
"""Of vLLM's `structured_outputs`, exactly one."""


def grammar_of(field: str, value: Any) -> Grammar | None:
    """What a field of GRAMMAR_FIELDS asks for. Raises InvalidArgument with its name."""
    if value is None or value in ("", [], {}):
        # {} is a schema for llama-server, which allows every JSON text.
        return schema_grammar({}, field) if value == {} and field == "json_schema" else None
    if field in SCHEMA_FIELDS:
        return schema_grammar(value, field)
    if field in TEXT_FIELDS:
        return _text_grammar(TEXT_FIELDS[field], value, field)
    if field == "guided_choice":
        return _choice(value, field)
    if field == "format":
        return Grammar("json_object") if value == "json" else _ollama_schema(value)
    return _structured(value)


def one_grammar(fields: Mapping[str, Any]) -> tuple[str, Grammar | None]:
    """The field that is set, and its grammar; "" and None if none is."""
    found = {name: grammar_of(name, fields.get(name)) for name in GRAMMAR_FIELDS}
    return the_only({name: grammar for name, grammar in found.items() if grammar is not None})


def the_only(found: Mapping[str, Grammar]) -> tuple[str, Grammar | None]:
    """The field and grammar of the only entry. Raises InvalidArgument if there are two."""
    if len(found) > 1:
        what = f"only one field may constrain the answer; got {' and '.join(found)}"
        raise InvalidArgument(what, where=list(found)[-1])
    return next(iter(found.items()), ("", None))


def schema_grammar(schema: Any, field: str) -> Grammar:
    """A schema as the text that the engine takes; a string is that text already."""
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
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise out_of_range(field, value, "a list of strings")
    return Grammar("choice", json.dumps(value, ensure_ascii=False))


def _structured(value: Any) -> Grammar | None:
    if not isinstance(value, dict):
        raise out_of_range("structured_outputs", value, f"an object with one of {_SHOWN}")
    for name, option in value.items():
        if name not in STRUCTURED and option not in (None, False, ""):
            what = f"this option is not supported; allowed one of {_SHOWN}"
            raise InvalidArgument(what, where=f"structured_outputs.{name}")
    found = {
        f"structured_outputs.{name}": _structured_one(name, option)
        for name, option in value.items()
        if name in STRUCTURED and option is not None and option is not False
    }
    return the_only(found)[1]


def _structured_one(name: str, option: Any) -> Grammar:
    where = f"structured_outputs.{name}"
    if name == "json":
        return schema_grammar(option, where)
    if name == "choice":
        return _choice(option, where)
    if name == "json_object":
        if option is not True:
            raise out_of_range(where, option, "true or false")
        return Grammar("json_object")
    return _text_grammar("gbnf" if name == "grammar" else "regex", option, where)


_SHOWN = ", ".join(STRUCTURED)
