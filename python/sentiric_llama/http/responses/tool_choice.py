# SPDX-License-Identifier: AGPL-3.0-only
"""`tool_choice`: whether tools are called, and which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sentiric_llama.http.responses.tool_table import ToolTable
from sentiric_llama.http.responses.tools import LEAVES, joined_name
from sentiric_llama.http.schemas.body import refused
from sentiric_llama.http.schemas.tools import mode_and_tools, several_schema
from sentiric_llama.types.ranges import shown, shown_word
from sentiric_llama.types.wishes import MAX_TOOL_NAME

WORDS = ("none", "auto", "required")
_NAMED_KINDS = tuple(LEAVES)


@dataclass(frozen=True, slots=True)
class Choice:
    """The choice as `Wishes` has it."""

    word: str = "auto"
    """One of WORDS, or the name of the tool to call."""
    allowed: tuple[str, ...] | None = None
    """The names of the only tools that may be called; None for all."""
    sent: str | Mapping[str, Any] = "auto"
    """As it was sent, without what is ignored."""

    def check(self, tools: ToolTable) -> None:
        """Raises an error if what must be called is not there."""
        has_any = bool(tools.by_name if self.allowed is None else self.allowed)
        if self.word == "required" and not has_any:
            raise refused("needs tools", "tool_choice")
        names = self.allowed or ()
        if self.word not in WORDS:
            names = (self.word, *names)
        if not tools.by_name.keys() >= set(names):
            raise refused("names a tool that is not in tools", "tool_choice")


def read_choice(value: Any) -> Choice:
    """The checked choice."""
    if isinstance(value, str):
        if value not in WORDS:
            allowed = f"{' | '.join(WORDS)} or an object that names tools"
            raise refused(f"got {shown_word(value)}, allowed {allowed}")
        return Choice(value, sent=value)
    if not isinstance(value, dict):
        raise refused(f"got {shown(value)}, allowed a string or an object")
    kind = value.get("type")
    if kind == "allowed_tools":
        return _allowed(value)
    if kind not in _NAMED_KINDS:
        kinds = " | ".join((*_NAMED_KINDS, "allowed_tools"))
        raise refused(f"got {shown_word(kind)}, allowed {kinds}", "type")
    name = _name(value, "")
    if name in WORDS:
        raise refused("a tool of this name cannot be chosen", "name")
    return Choice(name, sent=_members(value))


def _allowed(value: Mapping[str, Any]) -> Choice:
    """Tools of kinds that are ignored are ignored here, too."""
    mode, tools = mode_and_tools(value)
    names, sent = [], []
    for index, tool in enumerate(tools):
        if tool.get("type") in _NAMED_KINDS:
            names.append(_name(tool, f"tools.{index}."))
            sent.append(_members(tool))
    told = {"type": "allowed_tools", "mode": mode, "tools": sent}
    return Choice(mode, tuple(names), told)


def _members(tool: Mapping[str, Any]) -> dict[str, Any]:
    """What names a tool."""
    return {name: tool[name] for name in ("type", "name", "namespace") if name in tool}


def _name(tool: Mapping[str, Any], where: str) -> str:
    name, namespace = tool.get("name"), tool.get("namespace")
    if not isinstance(name, str) or not name:
        raise refused(f"got {shown(name)}, allowed the name of a tool", f"{where}name")
    if not isinstance(namespace, str | None):
        raise refused(f"got {shown(namespace)}, allowed a string", f"{where}namespace")
    joined = joined_name(namespace, name)
    if len(joined) > MAX_TOOL_NAME:
        raise refused(f"got {len(joined)} characters, allowed 1..{MAX_TOOL_NAME}", f"{where}name")
    return joined


_NAMED = {
    "type": {"enum": list(_NAMED_KINDS), "description": "The kind of the tool."},
    "name": {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_TOOL_NAME,
        "not": {"enum": list(WORDS)},
        "description": "The name of one of the tools.",
    },
    "namespace": {"type": ["string", "null"], "description": "The group that it is in."},
}
_ONE = {"type": "object", "properties": _NAMED, "required": ["type", "name"]}
CHOICE_SCHEMA = {
    "anyOf": [
        {"type": "string", "enum": list(WORDS)},
        _ONE,
        {
            "type": "object",
            "properties": {
                "type": {"const": "allowed_tools", "description": "Several may be called."},
                **several_schema(_ONE),
            },
            "required": ["type", "tools"],
        },
    ]
}
