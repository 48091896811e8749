# SPDX-License-Identifier: AGPL-3.0-only
"""Tools, the choice of one, and calls in messages, as OpenAI's chat API writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.schema_rules import Rules, either, fields
from sentiric_llama.http.schemas.body import Body, CheckedBy, refused
from sentiric_llama.service.request_fields import named, safe_name
from sentiric_llama.types import Tool, ToolCall
from sentiric_llama.types.ranges import shown, shown_word
from sentiric_llama.types.wishes import MAX_TOOL_NAME, MAX_TOOLS

KINDS = ("function",)
"""Kinds of tools that are known. Others are left out and named in a header."""

_PLACE = re.compile(r"tools\.(\d+)(.*)")
_CHOICES = ("none", "auto", "required")


def tool_name(value: Any) -> str:
    """The name of a tool."""
    if not isinstance(value, str):
        raise refused(f"got {shown(value)}, allowed a string")
    if not value or not is_short(value):
        raise refused(f"got {shown(value)}, allowed 1..{MAX_TOOL_NAME} bytes")
    return value


def short_text(value: Any) -> str:
    """A name or an id that may be empty."""
    if not isinstance(value, str):
        raise refused(f"got {shown(value)}, allowed a string")
    if not is_short(value):
        raise refused(f"got {shown(value)}, allowed at most {MAX_TOOL_NAME} bytes")
    return value


def is_short(text: str) -> bool:
    return len(text) <= MAX_TOOL_NAME and len(text.encode()) <= MAX_TOOL_NAME


_NAME = {"type": "string", "minLength": 1, "maxLength": MAX_TOOL_NAME}
Name = Annotated[str, CheckedBy(tool_name, _NAME)]
ShortText = Annotated[str, CheckedBy(short_text, {"type": "string", "maxLength": MAX_TOOL_NAME})]


def _parameters(value: Any) -> str:
    if not isinstance(value, dict | bool):
        raise refused(f"got {shown(value)}, allowed a JSON schema")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


Parameters = Annotated[str, CheckedBy(_parameters, {"type": ["object", "boolean"]})]


class FunctionBody(Body):
    """What a function is called with. Without `parameters`, it takes no arguments."""

    model_config = ConfigDict(json_schema_extra={"required": ["name"]})

    name: Name
    description: str = ""
    parameters: Parameters = ""
    strict: bool = False


class ToolBody(Body):
    """A tool. Kinds other than functions are ignored and named in `x-ignored-tools`."""

    nested: ClassVar = {"function": FunctionBody}

    type: Literal["function"]
    function: FunctionBody

    @classmethod
    def unknown(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        return super().unknown(values, path) if kind_of(values) in KINDS else iter(())

    @classmethod
    def ignored(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        return super().ignored(values, path) if kind_of(values) in KINDS else iter(())

    def tool(self) -> Tool:
        function = self.function
        return Tool(function.name, function.description, function.parameters)


def known_tools(value: Any) -> list[ToolBody]:
    """The functions among the tools."""
    if not isinstance(value, list):
        raise refused(f"got {shown(value)}, allowed a list")
    if len(value) > MAX_TOOLS:
        raise refused(f"got {shown(value)}, allowed at most {MAX_TOOLS} items")
    return [tool for tool in value if kind_of(tool) in KINDS]


def known_places(tools: Any) -> list[int]:
    """Where the functions stand among the tools."""
    listed = tools if isinstance(tools, list) else ()
    return [place for place, tool in enumerate(listed) if kind_of(tool) in KINDS]


def kind_of(tool: Any) -> str | None:
    """The kind of a tool that is not known; None for anything that is checked later."""
    kind = tool.get("type") if isinstance(tool, dict) else None
    return kind if isinstance(kind, str) else "function"


def tool_choice(value: Any) -> str:
    """none, auto, required, or the name of the function that an object names."""
    if isinstance(value, str):
        if value in _CHOICES:
            return value
        allowed = f"{' | '.join(_CHOICES)} or an object that names a function"
        raise refused(f"got {shown_word(value)}, allowed {allowed}")
    if not isinstance(value, dict):
        raise refused(f"got {shown(value)}, allowed a string or an object")
    kind, function = value.get("type"), value.get("function")
    if kind != "function":
        raise refused(f"got {shown_word(kind)}, allowed function", "type")
    if not isinstance(function, dict):
        raise refused(f"got {shown(function)}, allowed an object with a name", "function")
    name = function.get("name")
    if not isinstance(name, str) or name in _CHOICES:
        raise refused(f"got {shown(name)}, allowed the name of a tool", "function.name")
    return name


CHOICE_SCHEMA = {
    "anyOf": [
        {"type": "string", "enum": list(_CHOICES)},
        {
            "type": "object",
            "properties": {
                "type": {"const": "function", "description": "what is chosen"},
                "function": {
                    "type": "object",
                    "properties": {
                        "name": _NAME
                        | {"not": {"enum": list(_CHOICES)}, "description": "of a tool in `tools`"}
                    },
                    "required": ["name"],
                    "description": "the one that must be called",
                },
            },
            "required": ["type", "function"],
        },
    ]
}
ToolChoice = Annotated[str, CheckedBy(tool_choice, CHOICE_SCHEMA)]


def ignored_tools(tools: Any) -> dict[str, str]:
    """The header that names the kinds of tools that are left out."""
    kinds = {kind_of(tool) for tool in tools} if isinstance(tools, list) else set()
    text = named(safe_name(kind) for kind in kinds - set(KINDS) if kind)
    return {"x-ignored-tools": text} if text else {}


_OLD_FORM = {
    "type": "array",
    "maxItems": 0,
    "deprecated": True,
    "description": "The form before `tools`. Some are ignored where nothing may be called.",
}


class ToolFields(Body):
    """What may be called, and what must be."""

    tools: Annotated[list[ToolBody], BeforeValidator(known_tools)] = Field(
        default_factory=list, max_length=MAX_TOOLS
    )
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    functions: Annotated[list[Any], WithJsonSchema(_OLD_FORM)] = Field(default_factory=list)
    function_call: Literal["none", "auto"] | None = None
    rules: ClassVar[Rules] = (
        either(
            fields(tool_choice={"not": {"const": "required"}}),
            fields(["tools"], tools={"type": "array", "minItems": 1}),
        ),
    )

    @classmethod
    def parse(cls, values: dict[str, Any], *, strict: bool = False) -> Self:
        """Errors name tools by their places in the caller's list, which has other kinds, too."""
        try:
            return super().parse(values, strict=strict)
        except InvalidArgument as error:
            found = _PLACE.fullmatch(error.where)
            places = known_places(values.get("tools"))
            if found is None or int(found[1]) >= len(places):
                raise
            where = f"tools.{places[int(found[1])]}{found[2]}"
            raise InvalidArgument(error.what, where=where) from None

    @classmethod
    def ignored_header(cls, values: Mapping[str, Any]) -> dict[str, str]:
        return super().ignored_header(values) | ignored_tools(values.get("tools"))

    @classmethod
    def unused(cls, given: Mapping[str, Any]) -> list[str]:
        """Definitions in the old form, which may not be called."""
        return [*super().unused(given), *(["functions"] if given.get("functions") else [])]

    @model_validator(mode="after")
    def _has_no_old_functions(self) -> Self:
        if self.functions and "none" not in (self.function_call, self.tool_choice):
            raise refused("this field is not supported; send tools instead", "functions")
        return self

    @model_validator(mode="after")
    def _has_tools(self) -> Self:
        names = [tool.function.name for tool in self.tools]
        if twice := next((i for i, name in enumerate(names) if name in names[:i]), None):
            raise refused("two tools have this name", f"tools.{twice}.function.name")
        if self.tool_choice == "required" and not names:
            raise refused("needs tools", "tool_choice")
        if self.tool_choice not in (*_CHOICES, *names):
            raise refused("names a tool that is not in tools", "tool_choice.function.name")
        return self


class CalledFunction(Body):
    """The function of a call in a message; `arguments` is JSON as text."""

    name: Name
    arguments: str


class CallBody(Body):
    """A call that the assistant made."""

    without_effect: ClassVar = frozenset({"index"})
    nested: ClassVar = {"function": CalledFunction}

    id: ShortText
    type: Literal["function"] = "function"
    function: CalledFunction

    def call(self) -> ToolCall:
        return ToolCall(self.id, self.function.name, self.function.arguments)
