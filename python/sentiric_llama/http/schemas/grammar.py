# SPDX-License-Identifier: AGPL-3.0-only
"""What an answer must follow, in the three fields that can say it."""

from __future__ import annotations

import json
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from sentiric_llama.http.schemas.body import Body, refused
from sentiric_llama.service.chat_call import MAX_GRAMMAR_BYTES
from sentiric_llama.types import Grammar

_TOO_LONG = f"too long; allowed {MAX_GRAMMAR_BYTES} bytes"


class NamedSchema(Body):
    """OpenAI's wrapper around a schema."""

    schema_: dict[str, Any] = Field(alias="schema")
    name: str | None = None
    strict: bool | None = None


class ResponseFormat(Body):
    """OpenAI's `response_format`; llama.cpp lets a schema ride along with `json_object`."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")

    @model_validator(mode="after")
    def _has_schema(self) -> Self:
        if self.type == "json_schema" and self.json_schema is None:
            raise refused('required; allowed an object {"name": ..., "schema": ...}', "json_schema")
        return self

    def grammar(self) -> Grammar | None:
        """None for plain text."""
        if self.json_schema is not None and self.type == "json_schema":
            return schema_grammar(self.json_schema.schema_)
        if self.type == "json_object":
            return schema_grammar(self.schema_) if self.schema_ else Grammar("json_object")
        return None


def schema_grammar(schema: dict[str, Any]) -> Grammar:
    """A schema in the form in which it travels to the engine."""
    return Grammar("json_schema", json.dumps(schema, ensure_ascii=False, separators=(",", ":")))


class GrammarFields(Body):
    """At most one of them may be given."""

    response_format: ResponseFormat | None = None
    json_schema: dict[str, Any] | None = None
    grammar: str | None = None

    @model_validator(mode="after")
    def _one_at_most(self) -> Self:
        names = [name for name, found in self._found().items() if found is not None]
        if len(names) > 1:
            text = "only one of grammar, json_schema and response_format; got "
            raise refused(text + " and ".join(names), names[-1])
        for name in names:
            found = self._found()[name]
            if found is not None and len(found.text.encode()) > MAX_GRAMMAR_BYTES:
                raise refused(_TOO_LONG, name)
        return self

    def wanted(self) -> tuple[str, Grammar | None]:
        """The field that was used, and what it says; "" and None without any."""
        return next(((name, g) for name, g in self._found().items() if g is not None), ("", None))

    def _found(self) -> dict[str, Grammar | None]:
        schema, form = self.json_schema, self.response_format
        return {
            "grammar": Grammar("gbnf", self.grammar) if self.grammar else None,
            "json_schema": schema_grammar(schema) if schema is not None else None,
            "response_format": form.grammar() if form is not None else None,
        }
