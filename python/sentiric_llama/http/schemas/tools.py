# SPDX-License-Identifier: AGPL-3.0-only
"""Tools, the choice of one, and calls in messages, as OpenAI's chat API writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.custom_tools.tool import (
    InputGrammar,
    Syntax,
    custom_tool,
    input_arguments,
)
from sentiric_llama.http.schema_rules import NULL, Rules, Schema, either, fields
from sentiric_llama.http.schemas.body import Body, CheckedBy, refused
from sentiric_llama.service.request_fields import named, safe_name
from sentiric_llama.types import Tool, ToolCall
from sentiric_llama.types.ranges import shown, shown_word
from sentiric_llama.types.wishes import MAX_TOOL_NAME, MAX_TOOLS

KINDS = ("function", "custom")
"""Kinds of tools that are known. Others are left out and named in a header."""

Kind = Literal["function", "custom"]

_PLACE = re.compile(r"tools\.(\d+)(.*)")
_CHOICES = ("none", "auto", "required")
MODES = ("auto", "required")
"""Of a choice of several tools."""
ALLOWED = "allowed_tools"


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
    if not isinstance(value, dict):
        raise refused(f"got {shown(value)}, allowed an object with a JSON schema")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


Parameters = Annotated[str, CheckedBy(_parameters, {"type": "object"})]


class FunctionBody(Body):
    """What a function is called with. Without `parameters`, it takes no arguments."""

    model_config = ConfigDict(json_schema_extra={"required": ["name"]})

    name: Name
    description: str = ""
    parameters: Parameters = ""
    strict: bool = False

    def tool(self) -> Tool:
        return Tool(self.name, self.description, self.parameters)


class InputGrammarBody(Body):
    """What the input of a custom tool must be. Only `regex` can be enforced."""

    syntax: Syntax
    definition: str


class InputFormatBody(Body):
    """Any text, or a grammar."""

    nested: ClassVar = {"grammar": InputGrammarBody}
    rules: ClassVar[Rules] = (
        either(
            fields(type={"const": "text"}, grammar=NULL),
            fields(["grammar"], type={"const": "grammar"}, grammar={"type": "object"}),
        ),
    )

    type: Literal["text", "grammar"]
    grammar: InputGrammarBody | None = None

    @model_validator(mode="after")
    def _has_grammar(self) -> Self:
        if self.type == "grammar" and self.grammar is None:
            raise refused("this field is required", "grammar")
        if self.type == "text" and self.grammar is not None:
            raise refused('needs the type "grammar"', "grammar")
        return self


class CustomBody(Body):
    """A tool whose input is a text instead of arguments."""

    nested: ClassVar = {"format": InputFormatBody}

    name: Name
    description: str = ""
    format: InputFormatBody = InputFormatBody(type="text")

    @property
    def grammar(self) -> InputGrammar | None:
        found = self.format.grammar
        return None if found is None else InputGrammar(found.syntax, found.definition)

    def tool(self) -> Tool:
        return custom_tool(self.name, self.description, self.grammar)


def _of_kind() -> Schema:
    """Either a function or a custom tool, and not both."""
    is_object = {"type": "object"}
    return either(
        fields(["function"], type={"enum": ["function", None]}, function=is_object, custom=NULL),
        fields(["type", "custom"], type={"const": "custom"}, custom=is_object, function=NULL),
    )


def _check_kind(kind: Kind, given: Mapping[Kind, Any]) -> None:
    """Raises an error unless what is given is what the type says, and nothing else."""
    if given[kind] is None:
        raise refused("this field is required", kind)
    other: Kind = "custom" if kind == "function" else "function"
    if given[other] is not None:
        raise refused(f'needs the type "{other}"', other)


class ToolBody(Body):
    """A function or a custom tool. Other kinds are ignored and named in `x-ignored-tools`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"type": "function", "function": {"name": "now"}}]}
    )

    nested: ClassVar = {"function": FunctionBody, "custom": CustomBody}
    rules: ClassVar[Rules] = (_of_kind(),)

    type: Kind
    function: FunctionBody | None = None
    custom: CustomBody | None = None

    @model_validator(mode="after")
    def _is_of_its_kind(self) -> Self:
        _check_kind(self.type, {"function": self.function, "custom": self.custom})
        return self

    @property
    def body(self) -> FunctionBody | CustomBody:
        return cast("FunctionBody | CustomBody", self.function or self.custom)

    @property
    def name(self) -> str:
        return self.body.name

    @property
    def is_strict(self) -> bool:
        return self.function is not None and self.function.strict

    @property
    def is_enforced(self) -> bool:
        """False for a grammar that nothing here enforces."""
        grammar = self.custom.grammar if self.custom else None
        return grammar is None or grammar.is_enforced

    @classmethod
    def unknown(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        return super().unknown(values, path) if kind_of(values) in KINDS else iter(())

    @classmethod
    def ignored(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        return super().ignored(values, path) if kind_of(values) in KINDS else iter(())

    def tool(self) -> Tool:
        return self.body.tool()


def known_tools(value: Any) -> list[ToolBody]:
    """The tools of kinds that are known."""
    if not isinstance(value, list):
        raise refused(f"got {shown(value)}, allowed a list")
    if len(value) > MAX_TOOLS:
        raise refused(f"got {shown(value)}, allowed at most {MAX_TOOLS} items")
    return [tool for tool in value if kind_of(tool) in KINDS]


def known_places(tools: Any) -> list[int]:
    """Where the tools of known kinds stand among all."""
    listed = tools if isinstance(tools, list) else ()
    return [place for place, tool in enumerate(listed) if kind_of(tool) in KINDS]


def kind_of(tool: Any) -> str | None:
    """The kind of a tool that is not known; None for anything that is checked later."""
    kind = tool.get("type") if isinstance(tool, dict) else None
    return kind if isinstance(kind, str) else "function"


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether and what to call."""

    word: str = "auto"
    """none, auto, required, or the name of a tool."""
    kind: Kind = "function"
    """Of the tool, as it was named."""
    allowed: tuple[tuple[int, Kind, str], ...] | None = None
    """Place, kind and name of the only tools that may be called; None for all."""

    @property
    def allowed_names(self) -> frozenset[str] | None:
        return None if self.allowed is None else frozenset(name for _, _, name in self.allowed)

    def check(self, tools: Sequence[tuple[str, str]]) -> None:
        """Raises an error if what must or may be called is not there. `tools`: kinds and names."""
        if self.word == "required" and not (tools if self.allowed is None else self.allowed):
            raise refused("needs tools", "tool_choice")
        named = [
            (f"{ALLOWED}.tools.{place}.", kind, name) for place, kind, name in self.allowed or ()
        ]
        if self.word not in _CHOICES:
            named = [("", self.kind, self.word)]
        for where, kind, name in named:
            if (kind, name) not in tools:
                path = f"tool_choice.{where}{kind}.name"
                raise refused("names a tool that is not in tools", path)


def tool_choice(value: Any) -> Choice:
    """A word, or an object that names a tool, or several."""
    if isinstance(value, str):
        if value in _CHOICES:
            return Choice(value)
        allowed = f"{' | '.join(_CHOICES)} or an object that names tools"
        raise refused(f"got {shown_word(value)}, allowed {allowed}")
    if not isinstance(value, dict):
        raise refused(f"got {shown(value)}, allowed a string or an object")
    kind = value.get("type")
    if kind == ALLOWED:
        return _several(value.get(ALLOWED))
    if kind not in KINDS:
        kinds = " | ".join((*KINDS, ALLOWED))
        raise refused(f"got {shown_word(kind)}, allowed {kinds}", "type")
    name = _name(value, "")
    if name in _CHOICES:
        raise refused(f"got {shown(name)}, allowed the name of a tool", f"{kind}.name")
    return Choice(name, kind)


def _several(value: Any) -> Choice:
    """Tools of kinds that are left out are left out here, too."""
    if not isinstance(value, dict):
        raise refused(f"got {shown(value)}, allowed an object with tools", ALLOWED)
    mode, tools = mode_and_tools(value, f"{ALLOWED}.")
    found = [
        (place, cast(Kind, tool["type"]), _name(tool, f"{ALLOWED}.tools.{place}."))
        for place, tool in enumerate(tools)
        if tool.get("type") in KINDS
    ]
    return Choice(mode, allowed=tuple(found))


def mode_and_tools(value: Mapping[str, Any], where: str = "") -> tuple[str, list[dict[str, Any]]]:
    """Whether one must be called, and those that may be."""
    mode, tools = value.get("mode", "auto"), value.get("tools")
    if mode not in MODES:
        raise refused(f"got {shown_word(mode)}, allowed {' | '.join(MODES)}", f"{where}mode")
    if not isinstance(tools, list):
        raise refused(f"got {shown(tools)}, allowed a list", f"{where}tools")
    if len(tools) > MAX_TOOLS:
        raise refused(f"got {shown(tools)}, allowed at most {MAX_TOOLS} items", f"{where}tools")
    for index, tool in enumerate(tools):
        if not isinstance(tool, dict):
            raise refused(f"got {shown(tool)}, allowed an object", f"{where}tools.{index}")
    return mode, tools


def _name(value: Mapping[str, Any], where: str) -> str:
    kind = value["type"]
    tool = value.get(kind)
    if not isinstance(tool, dict):
        raise refused(f"got {shown(tool)}, allowed an object with a name", f"{where}{kind}")
    name = tool.get("name")
    if not isinstance(name, str):
        raise refused(f"got {shown(name)}, allowed the name of a tool", f"{where}{kind}.name")
    return name


def several_schema(one: Schema) -> Schema:
    """The members of a choice of several tools, each of which is `one`."""
    return {
        "mode": {"enum": list(MODES), "description": "Whether one must be called."},
        "tools": {
            "type": "array",
            "items": one,
            "minItems": 1,
            "maxItems": MAX_TOOLS,
            "description": "Those that may be called.",
        },
    }


def _named(kind: str) -> Schema:
    name = _NAME | {"not": {"enum": list(_CHOICES)}, "description": "of a tool in `tools`"}
    tool = {
        "type": "object",
        "properties": {"name": name},
        "required": ["name"],
        "description": "the one that must be called",
    }
    properties = {"type": {"const": kind, "description": "what is chosen"}, kind: tool}
    return {"type": "object", "properties": properties, "required": ["type", kind]}


CHOICE_SCHEMA = {
    "anyOf": [
        {"type": "string", "enum": list(_CHOICES)},
        *map(_named, KINDS),
        {
            "type": "object",
            "properties": {
                "type": {"const": ALLOWED, "description": "Several may be called."},
                ALLOWED: {
                    "type": "object",
                    "properties": several_schema({"anyOf": [*map(_named, KINDS)]}),
                    "required": ["tools"],
                    "description": "The only tools that may be called.",
                },
            },
            "required": ["type", ALLOWED],
        },
    ],
}
ToolChoice = Annotated[Choice, CheckedBy(tool_choice, CHOICE_SCHEMA)]


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
    tool_choice: ToolChoice = Field(default_factory=Choice)
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
        if self.functions and "none" not in (self.function_call, self.tool_choice.word):
            raise refused("this field is not supported; send tools instead", "functions")
        return self

    @model_validator(mode="after")
    def _has_tools(self) -> Self:
        names = [tool.name for tool in self.tools]
        if twice := next((i for i, name in enumerate(names) if name in names[:i]), None):
            where = f"tools.{twice}.{self.tools[twice].type}.name"
            raise refused("two tools have this name", where)
        self.tool_choice.check([(tool.type, tool.name) for tool in self.tools])
        return self


class CalledFunction(Body):
    """The function of a call in a message; `arguments` is JSON as text."""

    name: Name
    arguments: str


class CalledCustom(Body):
    """The custom tool of a call in a message; `input` is a text as it is."""

    name: Name
    input: str

    @property
    def arguments(self) -> str:
        return input_arguments(self.input)


class CallBody(Body):
    """A call that the assistant made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "call_1", "function": {"name": "now", "arguments": "{}"}}]
        }
    )

    without_effect: ClassVar = frozenset({"index"})
    nested: ClassVar = {"function": CalledFunction, "custom": CalledCustom}
    rules: ClassVar[Rules] = (_of_kind(),)

    id: ShortText
    type: Kind = "function"
    function: CalledFunction | None = None
    custom: CalledCustom | None = None

    @model_validator(mode="after")
    def _is_of_its_kind(self) -> Self:
        _check_kind(self.type, {"function": self.function, "custom": self.custom})
        return self

    def call(self) -> ToolCall:
        called = cast("CalledFunction | CalledCustom", self.function or self.custom)
        return ToolCall(self.id, called.name, called.arguments)
