# SPDX-License-Identifier: AGPL-3.0-only
"""Structured output: the fields that constrain the text of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.schema_rules import (
    NULL,
    UNSET_TEXT,
    Rules,
    Schema,
    either,
    fields,
)
from sentiric_llama.http.schemas.body import Body, refused
from sentiric_llama.service.chat_call import MAX_GRAMMAR_BYTES, grammar_limit
from sentiric_llama.service.grammar_fields import (
    EMPTY_IS_UNSET,
    GRAMMAR_FIELDS,
    Wanted,
    grammar_of,
    refuse_names_elsewhere,
    schema_grammar,
    the_only,
)
from sentiric_llama.types import Grammar
from sentiric_llama.types.ranges import out_of_range

_TOO_LONG = f"too long; allowed {MAX_GRAMMAR_BYTES} bytes"


class NamedSchema(Body):
    """A schema and its name, as OpenAI's API wraps them."""

    schema_: dict[str, Any] = Field(alias="schema")
    name: str | None = None
    strict: bool | None = None


class ResponseFormat(Body):
    """OpenAI's `response_format`. As in llama.cpp, `json_object` may have a schema, too."""

    nested: ClassVar = {"json_schema": NamedSchema}

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    rules: ClassVar[Rules] = (
        either(
            fields(type={"const": "text"}, json_schema=NULL, schema=NULL),
            fields(type={"const": "json_object"}, json_schema=NULL),
            fields(
                ["json_schema"],
                type={"const": "json_schema"},
                json_schema={"type": "object"},
                schema=NULL,
            ),
        ),
    )

    @model_validator(mode="after")
    def _has_schema(self) -> Self:
        if self.type == "json_schema" and self.json_schema is None:
            what = 'this field is required: an object {"name": ..., "schema": ...}'
            raise refused(what, "json_schema")
        for name, value, kind in (
            ("json_schema", self.json_schema, "json_schema"),
            ("schema", self.schema_, "json_object"),
        ):
            if value is not None and self.type != kind:
                what = f'needs the type "{kind}"; got "{self.type}": change it or leave this out'
                raise refused(what, name)
        return self

    def grammar(self) -> Grammar | None:
        """The grammar of the format, None for plain text."""
        if self.json_schema is not None and self.type == "json_schema":
            return bounded(self.json_schema.schema_, "response_format")
        if self.type == "json_object":
            form = bounded(self.schema_, "response_format") if self.schema_ else None
            return form or Grammar("json_object")
        return None


def bounded(schema: dict[str, Any], field: str) -> Grammar:
    """Refuses a schema before it writes a long text.

    One call writes the text and holds the GIL; the steps of the count are short.
    """
    if not is_within(schema, MAX_GRAMMAR_BYTES):
        raise refused(_TOO_LONG, field)
    return schema_grammar(schema, field)


def is_within(value: Any, limit: int) -> bool:
    """False if the JSON of the value certainly has more characters; stops counting there."""
    size, waiting = 0, [value]
    while waiting and size <= limit:
        item = waiting.pop()
        if isinstance(item, str):
            size += 2 + len(item)
        elif isinstance(item, dict):
            size += 2 + len(item) + max(len(item) - 1, 0)  # braces, colons, commas
            waiting += item.keys()
            waiting += item.values()
        elif isinstance(item, list):
            size += 2 + max(len(item) - 1, 0)
            waiting += item
        elif isinstance(item, int):
            size += max(1, item.bit_length() // 4)  # a digit has less than four bits
        else:
            size += 1
    return size <= limit


def _object_or_text(value: Any) -> Any:
    if not isinstance(value, dict | str):
        raise out_of_range("", value, "an object or its JSON text")
    return value


def _ollama_format(value: Any) -> Any:
    if not isinstance(value, dict) and value not in ("", "json"):
        raise out_of_range("", value, '"json" or a JSON schema')
    return value


_SCHEMA_TEXT = {
    "type": "string",
    "minLength": 1,
    "contentMediaType": "application/json",
    "examples": ['{"type": "object"}', '{"enum": ["yes", "no"]}'],
}
_SCHEMA = {"anyOf": [_SCHEMA_TEXT, {"type": "object"}]}
_GBNF = {
    "type": "string",
    "description": "A grammar in GBNF.",
    "examples": ['root ::= "yes" | "no"', "root ::= [0-9]+"],
}
_REGEX = {"type": "string", "format": "regex", "examples": ["[a-z]+", "yes|no"]}
_CHOICES = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_STRUCTURED_SCHEMA = {
    "type": "object",
    "properties": {
        "json": _SCHEMA | {"description": "A JSON schema, or its text."},
        "json_object": {"const": True, "description": "Any JSON object."},
        "regex": _REGEX | {"minLength": 1, "description": "The whole text matches it."},
        "choice": _CHOICES | {"description": "The text is one of these."},
        "grammar": _GBNF | {"minLength": 1},
    },
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}
SchemaOrText = Annotated[Any, BeforeValidator(_object_or_text), WithJsonSchema(_SCHEMA)]
OllamaFormat = Annotated[
    Any,
    BeforeValidator(_ollama_format),
    WithJsonSchema({"anyOf": [{"enum": ["json", ""]}, {"type": "object"}]}),
]
Gbnf = Annotated[str, WithJsonSchema(_GBNF)]


def no_gbnf() -> Schema:
    """The rule that no field has a grammar in GBNF."""
    structured = either(NULL, {"type": "object", "properties": {"grammar": NULL}})
    return fields(grammar=UNSET_TEXT, guided_grammar=UNSET_TEXT, structured_outputs=structured)


class GrammarFields(Body):
    """At most one of them may be set."""

    response_format: ResponseFormat | None = None
    json_schema: SchemaOrText = None
    grammar: Gbnf | None = None
    guided_json: SchemaOrText = None
    guided_regex: Annotated[str, WithJsonSchema(_REGEX)] | None = None
    guided_choice: Annotated[list[str], WithJsonSchema(_CHOICES)] | None = None
    guided_grammar: Gbnf | None = None
    structured_outputs: Annotated[dict[str, Any], WithJsonSchema(_STRUCTURED_SCHEMA)] | None = None
    format: OllamaFormat = None

    @model_validator(mode="before")
    @classmethod
    def _under_its_name(cls, values: Any) -> Any:
        if isinstance(values, dict):
            try:
                refuse_names_elsewhere(values)
            except InvalidArgument as error:
                raise refused(error.what, error.where) from None
        return values

    @classmethod
    def unused(cls, given: Mapping[str, Any]) -> list[str]:
        """Those that are "" for "unset"."""
        empty = (name for name in sorted(EMPTY_IS_UNSET) if given.get(name) == "")
        return [*super().unused(given), *empty]

    @model_validator(mode="after")
    def _one_at_most(self) -> Self:
        name, found = self.wanted
        if found is not None:
            text, limit = found.text, grammar_limit(found)
            if len(text) > limit or len(text.encode()) > limit:
                raise refused(f"too long; allowed {limit} bytes", name)
        return self

    @cached_property
    def wanted(self) -> Wanted:
        """The field that is set, and its grammar. A schema is serialized once, here."""
        form = self.response_format.grammar() if self.response_format else None
        try:
            found = [self._wanted_by(name) for name in GRAMMAR_FIELDS]
            return the_only([*found, Wanted("response_format", form)])
        except InvalidArgument as error:
            raise refused(error.what, error.where) from None

    def _wanted_by(self, name: str) -> Wanted:
        value = getattr(self, name)
        if isinstance(value, dict) and not is_within(value, MAX_GRAMMAR_BYTES):
            raise refused(_TOO_LONG, name)
        return grammar_of(name, value)
