# SPDX-License-Identifier: AGPL-3.0-only
"""Tools, and the choice of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.anthropic.part import Part
from sentiric_llama.http.schema_rules import Rules, Schema, either, fields, of_kind, other_kind
from sentiric_llama.http.schemas.body import CheckedBy, refused
from sentiric_llama.http.schemas.tools import Name, Parameters
from sentiric_llama.service.request_fields import named, safe_name
from sentiric_llama.types import Tool
from sentiric_llama.types.ranges import shown
from sentiric_llama.types.wishes import MAX_TOOLS

KNOWN = "custom"
"""The kind of tools that the caller runs. Others are left out and named in a header."""


class CustomTool(Part):
    """A tool that the caller runs. Without `input_schema`, it takes no arguments."""

    without_effect: ClassVar = frozenset(
        {"input_examples", "defer_loading", "allowed_callers", "eager_input_streaming"}
    )

    type: Literal["custom"] = "custom"
    name: Name
    description: str = ""
    input_schema: Parameters = ""
    strict: bool = False

    @classmethod
    def unknown(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        return super().unknown(values, path) if kind_of(values) == KNOWN else iter(())

    @classmethod
    def ignored(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        return super().ignored(values, path) if kind_of(values) == KNOWN else iter(())

    def tool(self) -> Tool:
        return Tool(self.name, self.description, self.input_schema)


Placed = tuple[tuple[int, CustomTool], ...]
"""Tools with their places in the caller's list."""


def kind_of(tool: Any) -> str:
    """The kind of a tool; that of known ones for anything that is checked later."""
    kind = tool.get("type") if isinstance(tool, dict) else None
    return kind if isinstance(kind, str) else KNOWN


def known_tools(value: Any) -> Placed:
    """The tools that the caller runs."""
    if not isinstance(value, list):
        raise refused(f"got {shown(value)}, allowed a list")
    if len(value) > MAX_TOOLS:
        raise refused(f"got {shown(value)}, allowed at most {MAX_TOOLS} items")
    placed = enumerate(value)
    tools = tuple((index, _read(tool, index)) for index, tool in placed if kind_of(tool) == KNOWN)
    names: set[str] = set()
    for index, tool in tools:
        if tool.name in names:
            raise refused("two tools have this name", f"{index}.name")
        names.add(tool.name)
    return tools


def _read(tool: Any, index: int) -> CustomTool:
    if not isinstance(tool, dict):
        raise refused(f"got {shown(tool)}, allowed an object", str(index))
    try:
        return CustomTool.parse(tool)
    except InvalidArgument as error:
        raise refused(error.what, f"{index}.{error.where}") from None


def ignored_tools(tools: Any) -> dict[str, str]:
    """The header that names the kinds of tools that are left out."""
    kinds = {kind_of(tool) for tool in tools} if isinstance(tools, list) else set()
    text = named(map(safe_name, kinds - {KNOWN}))
    return {"x-ignored-tools": text} if text else {}


def tools_schema() -> Schema:
    """The schema of a list of tools."""
    known = of_kind(KNOWN, CustomTool.model_json_schema(by_alias=True), is_default=True)
    other = other_kind([KNOWN], "Another kind: ignored and named in `x-ignored-tools`.")
    return {"type": "array", "maxItems": MAX_TOOLS, "items": {"anyOf": [known, other]}}


Tools = Annotated[Placed, CheckedBy(known_tools, tools_schema)]


class ToolChoice(Part):
    """Which tool must be called, if any."""

    type: Literal["auto", "any", "tool", "none"]
    name: Name | None = None
    disable_parallel_tool_use: bool = False
    rules: ClassVar[Rules] = (
        either(
            fields(type={"enum": ["auto", "any", "none"]}),
            fields(["name"], type={"const": "tool"}, name={"type": "string"}),
        ),
        fields(name={"not": {"enum": ["none", "auto", "required"]}}),
    )

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.type == "tool" and self.name is None:
            raise refused("this field is required", "name")
        if self.name in ("none", "auto", "required"):
            raise refused("a tool with this name cannot be chosen", "name")
        return self

    @classmethod
    def unused(cls, given: Mapping[str, Any]) -> list[str]:
        return ["name"] if given.get("type") != "tool" and given.get("name") is not None else []

    @property
    def wish(self) -> str:
        """The word, or the name, for `Wishes`."""
        if self.type == "tool":
            return str(self.name)
        return "required" if self.type == "any" else self.type
