# SPDX-License-Identifier: AGPL-3.0-only
"""Structured output: the three fields that constrain the text of an answer."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sentiric_llama.http.schemas.body import Body, refused
from sentiric_llama.service.chat_call import MAX_GRAMMAR_BYTES
from sentiric_llama.types import Grammar

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
            return schema_grammar(self.json_schema.schema_, "response_format")
        if self.type == "json_object":
            if self.schema_:
                return schema_grammar(self.schema_, "response_format")
            return Grammar("json_object")
        return None


def schema_grammar(schema: dict[str, Any], field: str) -> Grammar:
    """The schema as the text that the engine takes. Refuses `field` before it writes a long text.

    One call writes the text and holds the GIL; the steps of the count are short.
    """
    if not is_within(schema, MAX_GRAMMAR_BYTES):
        raise refused(_TOO_LONG, field)
    return Grammar("json_schema", json.dumps(schema, ensure_ascii=False, separators=(",", ":")))


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


class GrammarFields(Body):
    """At most one of them may be set."""

    response_format: ResponseFormat | None = None
    json_schema: dict[str, Any] | None = None
    grammar: str | None = None

    @model_validator(mode="after")
    def _one_at_most(self) -> Self:
        names = list(self._grammars)
        if len(names) > 1:
            text = "only one of grammar, json_schema and response_format; got "
            raise refused(text + " and ".join(names), names[-1])
        for name, found in self._grammars.items():
            text = found.text
            if len(text) > MAX_GRAMMAR_BYTES or len(text.encode()) > MAX_GRAMMAR_BYTES:
                raise refused(_TOO_LONG, name)
        return self

    def wanted(self) -> tuple[str, Grammar | None]:
        """The name of the field that is set, and its grammar; "" and None if none is."""
        return next(iter(self._grammars.items()), ("", None))

    @cached_property
    def _grammars(self) -> dict[str, Grammar]:
        """Field -> its grammar, for those that are set. A schema is serialized once, here."""
        schema, form = self.json_schema, self.response_format
        found = {
            "grammar": Grammar("gbnf", self.grammar) if self.grammar else None,
            "json_schema": schema_grammar(schema, "json_schema") if schema is not None else None,
            "response_format": form.grammar() if form is not None else None,
        }
        return {name: grammar for name, grammar in found.items() if grammar is not None}
