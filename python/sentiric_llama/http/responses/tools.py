# SPDX-License-Identifier: AGPL-3.0-only
"""Tools as the Responses API writes them, each as a function that the model can call.

A model calls functions by a single name. A custom tool is a function with one text, `input`; a tool
of a namespace has the name of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from sentiric_llama.http.custom_tools.tool import InputGrammar, Syntax, custom_tool
from sentiric_llama.http.schema_rules import Rules, either, fields
from sentiric_llama.http.schemas.body import Body, refused
from sentiric_llama.http.schemas.tools import Name, Parameters, kind_of
from sentiric_llama.types import Tool

JOINT = "__"
"""Between a namespace and the name of its tool, for the model."""

_WITHOUT_EFFECT = frozenset({"allowed_callers", "async", "defer_loading", "output_schema"})


class FunctionTool(Body):
    """A function. Without `parameters`, it takes no arguments."""

    without_effect: ClassVar = _WITHOUT_EFFECT

    type: Literal["function"]
    name: Name
    description: str = ""
    parameters: Parameters = ""
    strict: bool = False

    def tool(self, name: str, preface: str) -> Tool:
        return Tool(name, preface + self.description, self.parameters)


class CustomFormat(Body):
    """What the input of a custom tool must be. Of grammars, only `regex` can be enforced."""

    type: Literal["text", "grammar"]
    syntax: Syntax | None = None
    definition: str = ""
    rules: ClassVar[Rules] = (
        either(
            fields(type={"const": "text"}),
            fields(["syntax"], type={"const": "grammar"}, syntax={"enum": ["lark", "regex"]}),
        ),
    )

    @model_validator(mode="after")
    def _has_grammar(self) -> Self:
        if self.type == "grammar" and self.syntax is None:
            raise refused("a grammar needs it; allowed lark | regex", "syntax")
        return self

    @property
    def grammar(self) -> InputGrammar | None:
        if self.type == "text" or self.syntax is None:
            return None
        return InputGrammar(self.syntax, self.definition)


class CustomTool(Body):
    """A tool whose input is text."""

    without_effect: ClassVar = _WITHOUT_EFFECT
    nested: ClassVar = {"format": CustomFormat}

    type: Literal["custom"]
    name: Name
    description: str = ""
    format: CustomFormat = CustomFormat(type="text")

    def tool(self, name: str, preface: str) -> Tool:
        return custom_tool(name, preface + self.description, self.format.grammar)

    @property
    def is_enforced(self) -> bool:
        return self.format.grammar is None or self.format.grammar.is_enforced


class NamespaceTool(Body):
    """A group of tools."""

    type: Literal["namespace"]
    name: Name
    description: str = ""
    tools: list[dict[str, Any]]


LEAVES: Mapping[str, type[FunctionTool | CustomTool]] = {
    "function": FunctionTool,
    "custom": CustomTool,
}
KINDS: Mapping[str, type[Body]] = {**LEAVES, "namespace": NamespaceTool}


class AnyTool(Body):
    """A tool of any kind. Those that are not in KINDS are ignored; a header names them."""

    @classmethod
    def unknown(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        if kind := KINDS.get(kind_of(values) or ""):
            yield from kind.unknown(values, path)
            for index, inner in tools_in(values):
                yield from cls.unknown(inner, f"{path}tools.{index}.")

    @classmethod
    def ignored(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        if kind := KINDS.get(kind_of(values) or ""):
            yield from kind.ignored(values, path)
            for index, inner in tools_in(values):
                yield from cls.ignored(inner, f"{path}tools.{index}.")


def tools_in(tool: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The tools of a namespace, which has no namespaces in it."""
    inner = tool.get("tools") if tool.get("type") == "namespace" else None
    for index, each in enumerate(inner if isinstance(inner, list) else ()):
        if isinstance(each, dict) and kind_of(each) in LEAVES:
            yield index, each


def joined_name(namespace: str | None, name: str) -> str:
    """The name under which the model knows a tool."""
    return f"{namespace}{JOINT}{name}" if namespace else name
