# SPDX-License-Identifier: AGPL-3.0-only
"""The tools of a request by the names that the model knows, and by those of their caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.responses.tools import (
    KINDS,
    LEAVES,
    CustomTool,
    FunctionTool,
    NamespaceTool,
    joined_name,
    tools_in,
)
from sentiric_llama.http.schema_rules import Schema, of_kind, other_kind
from sentiric_llama.http.schemas.body import Body, refused
from sentiric_llama.http.schemas.tools import kind_of
from sentiric_llama.service.request_fields import named, safe_name
from sentiric_llama.types import Tool
from sentiric_llama.types.ranges import shown
from sentiric_llama.types.wishes import MAX_TOOL_NAME, MAX_TOOLS

B = TypeVar("B", bound=Body)

_OPTIONAL: Mapping[str, dict[str, Any]] = {
    "function": {"parameters": None, "strict": False},
    "custom": {},
}
"""What clients expect in the tools of an answer."""


@dataclass(frozen=True, slots=True)
class KnownTool:
    """A tool, and what its caller calls it."""

    tool: Tool
    name: str
    namespace: str | None = None
    is_custom: bool = False
    is_strict: bool = False
    is_enforced: bool = True
    """False for a grammar that nothing enforces."""
    place: str = ""
    """Where it stands in `tools`: `2`, `0.tools.1`."""


@dataclass(frozen=True, slots=True)
class ToolTable:
    """The tools of a request by the names that the model knows."""

    by_name: Mapping[str, KnownTool] = field(default_factory=dict)
    kept: Sequence[dict[str, Any]] = ()
    """As they were sent, without what is ignored."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(known.tool for known in self.by_name.values())

    @property
    def strict(self) -> frozenset[str]:
        return frozenset(name for name, known in self.by_name.items() if known.is_strict)

    @property
    def unenforced(self) -> tuple[str, ...]:
        return tuple(name for name, known in self.by_name.items() if not known.is_enforced)

    def place(self, index: int) -> str:
        """Where the tool with this index of `tools` stands in the body."""
        places = [known.place for known in self.by_name.values()]
        return places[index] if index < len(places) else str(index)


def read_tools(value: Any) -> ToolTable:
    """The tools of the known kinds. Raises an error at the one that is wrong."""
    if not isinstance(value, list):
        raise refused(f"got {shown(value)}, allowed a list")
    found: dict[str, KnownTool] = {}
    kept: list[dict[str, Any]] = []
    for place, known in _known_tools(value, kept):
        name = known.tool.name
        if len(name) > MAX_TOOL_NAME:
            allowed = f"allowed 1..{MAX_TOOL_NAME} with its namespace"
            raise refused(f"got {len(name)} characters, {allowed}", f"{place}.name")
        if name in found:
            raise refused("two tools have this name", f"{place}.name")
        found[name] = known
        if len(found) > MAX_TOOLS:
            raise refused(f"allowed at most {MAX_TOOLS} tools")
    return ToolTable(found, kept)


def _known_tools(tools: list[Any], kept: list[dict[str, Any]]) -> Iterator[tuple[str, KnownTool]]:
    """Every function and custom tool with its place. Fills `kept`."""
    for index, tool in enumerate(tools):
        kind = kind_of(tool) or ""
        if kind not in KINDS:
            continue
        if kind != "namespace":
            yield str(index), _leaf(tool, str(index))
            kept.append(_shown(tool))
        else:
            space = _parsed(NamespaceTool, tool, str(index))
            preface = f"{space.description}\n\n" if space.description else ""
            for inner, each in tools_in(tool):
                place = f"{index}.tools.{inner}"
                yield place, _leaf(each, place, space.name, preface)
                preface = ""  # once is enough for the model
            inside = [_shown(each) for _, each in tools_in(tool)]
            kept += [_known(tool, KINDS[kind]) | {"tools": inside}] if inside else []


def _known(tool: Mapping[str, Any], kind: type[Body]) -> dict[str, Any]:
    """The members that have a meaning, and thus a limit."""
    return {name: tool[name] for name in kind.model_fields if name in tool}


def _shown(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A function or a custom tool as an answer gives it back."""
    kind = kind_of(tool) or ""
    found = _OPTIONAL[kind] | _known(tool, LEAVES[kind])
    form = found.get("format")
    if isinstance(form, dict):
        members = ("type",) if form["type"] == "text" else ("type", "syntax", "definition")
        found["format"] = {name: form[name] for name in members if name in form}
    return found


def _leaf(tool: Any, place: str, namespace: str | None = None, preface: str = "") -> KnownTool:
    """A function or a custom tool."""
    kind = LEAVES[kind_of(tool) or ""]
    body = _parsed(kind, tool, place)
    is_custom = isinstance(body, CustomTool)
    return KnownTool(
        tool=body.tool(joined_name(namespace, body.name), preface),
        name=body.name,
        namespace=namespace,
        is_custom=is_custom,
        is_strict=isinstance(body, FunctionTool) and body.strict,
        is_enforced=not isinstance(body, CustomTool) or body.is_enforced,
        place=place,
    )


def _parsed(kind: type[B], tool: Any, place: str) -> B:
    if not isinstance(tool, dict):
        raise refused(f"got {shown(tool)}, allowed an object", place)
    try:
        return kind.parse(tool)
    except InvalidArgument as error:
        raise refused(error.what, f"{place}.{error.where}".rstrip(".")) from None


def ignored_tools(value: Any) -> dict[str, str]:
    """The header that names the kinds of tools that are left out, also of namespaces."""
    kinds: set[str | None] = set()
    for tool in value if isinstance(value, list) else ():
        kinds.add(kind_of(tool))
        inner = tool.get("tools") if kind_of(tool) == "namespace" else None
        if isinstance(inner, list):
            kinds |= {kind for kind in map(kind_of, inner) if kind not in LEAVES}
    text = named(safe_name(kind) for kind in kinds - KINDS.keys() if kind)
    return {"x-ignored-tools": text} if text else {}


def tools_schema() -> Schema:
    """The schema of a list of tools."""
    leaves = [of_kind(name, kind.model_json_schema(by_alias=True)) for name, kind in LEAVES.items()]
    other = other_kind(KINDS, "Another kind: ignored and named in `x-ignored-tools`.")
    group = of_kind("namespace", NamespaceTool.model_json_schema(by_alias=True))
    group["properties"]["tools"] = {"type": "array", "items": {"anyOf": [*leaves, other]}}
    items = {"anyOf": [*leaves, group, other]}
    return {"type": "array", "items": items, "maxItems": MAX_TOOLS}
