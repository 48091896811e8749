# SPDX-License-Identifier: AGPL-3.0-only
"""Structured output: the three fields that constrain the text of an answer."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, Literal, Self

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

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")

    @model_validator(mode="after")
    def _has_schema(self) -> Self:
        if self.type == "json_schema" and self.json_schema is None:
            what = 'this field is required: an object {"name": ..., "schema": ...}'
            raise refused(what, "json_schema")
        return self

    def grammar(self) -> Grammar | None:
        """The grammar of the format, None for plain text."""
        if self.json_schema is not None and self.type == "json_schema":
            return schema_grammar(self.json_schema.schema_)
        if self.type == "json_object":
            return schema_grammar(self.schema_) if self.schema_ else Grammar("json_object")
        return None


def schema_grammar(schema: dict[str, Any]) -> Grammar:
    """The schema as the text that the engine takes."""
    return Grammar("json_schema", json.dumps(schema, ensure_ascii=False, separators=(",", ":")))


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
            if len(found.text.encode()) > MAX_GRAMMAR_BYTES:
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
            "json_schema": schema_grammar(schema) if schema is not None else None,
            "response_format": form.grammar() if form is not None else None,
        }
        return {name: grammar for name, grammar in found.items() if grammar is not None}
