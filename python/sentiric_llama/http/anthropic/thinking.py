# SPDX-License-Identifier: AGPL-3.0-only
"""Whether and how much a model thinks, and what form its answer has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from sentiric_llama.http.anthropic.part import Part
from sentiric_llama.http.schemas.body import InRange, refused
from sentiric_llama.http.schemas.grammar import is_within
from sentiric_llama.service.chat_call import MAX_GRAMMAR_BYTES
from sentiric_llama.service.grammar_fields import schema_grammar
from sentiric_llama.types import Grammar
from sentiric_llama.types.ranges import INT32_MAX, NumberRange

Effort = Literal["low", "medium", "high", "xhigh", "max"]
_BUDGET = NumberRange("budget_tokens", 0, INT32_MAX, integer=True)


class Thinking(Part):
    """Without a budget there is no limit.

    `adaptive` and `between_tools` leave it to the model's template, which knows no more.
    """

    without_effect: ClassVar = frozenset({"display"})

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: Annotated[int | None, InRange(_BUDGET)] = None

    @classmethod
    def unused(cls, given: Mapping[str, Any]) -> list[str]:
        is_unused = given.get("type") != "enabled" and given.get("budget_tokens") is not None
        return ["budget_tokens"] if is_unused else []

    @property
    def thinks(self) -> bool | None:
        """None: as the template has it."""
        return {"enabled": True, "disabled": False}.get(self.type)

    @property
    def budget(self) -> int | None:
        return self.budget_tokens if self.type == "enabled" else None


class OutputFormat(Part):
    """What the text must be: JSON by a schema."""

    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(alias="schema")

    def grammar(self, field: str) -> Grammar:
        """A schema is refused before it writes a long text."""
        text_is_short = is_within(self.schema_, MAX_GRAMMAR_BYTES)
        grammar = schema_grammar(self.schema_, field) if text_is_short else None
        if grammar is None or len(grammar.text.encode()) > MAX_GRAMMAR_BYTES:
            raise refused(f"too long; allowed {MAX_GRAMMAR_BYTES} bytes", f"{field}.schema")
        return grammar


class OutputConfig(Part):
    """The form of the answer, and how much work it is worth."""

    without_effect: ClassVar = frozenset({"task_budget"})
    nested: ClassVar = {"format": OutputFormat}

    effort: Effort | None = None
    format: OutputFormat | None = None
