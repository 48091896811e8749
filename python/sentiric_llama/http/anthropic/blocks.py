# SPDX-License-Identifier: AGPL-3.0-only
"""The blocks of a message: text, thoughts, calls of tools, results of tools."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.anthropic.part import Part
from sentiric_llama.http.schema_rules import of_kind, other_kind
from sentiric_llama.http.schemas.body import CheckedBy, refused
from sentiric_llama.http.schemas.message import stand_in
from sentiric_llama.http.schemas.tools import Name
from sentiric_llama.service.request_fields import safe_name
from sentiric_llama.types.ranges import shown, shown_word
from sentiric_llama.types.wishes import MAX_TOOL_NAME

Id = Annotated[str, Field(max_length=MAX_TOOL_NAME)]


class Block(Part):
    """Any block; its kind says which fields it has."""

    roles: ClassVar[tuple[str, ...]] = ("user", "assistant", "system")
    """Whose messages may have it."""

    @classmethod
    def unknown(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        if cls is Block:
            return KINDS[values["type"]].unknown(values, path)
        return super().unknown(values, path)

    @classmethod
    def ignored(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        if cls is Block:
            return KINDS[values["type"]].ignored(values, path)
        return super().ignored(values, path)


class TextBlock(Block):
    """A text."""

    without_effect: ClassVar = frozenset({"citations"})

    type: Literal["text"] = "text"
    text: str


class ThinkingBlock(Block):
    """What the assistant thought, as it was sent. The signature is not checked."""

    silent: ClassVar = Part.silent | {"signature"}
    roles: ClassVar = ("assistant",)

    type: Literal["thinking"] = "thinking"
    thinking: str


class RedactedThinkingBlock(Block):
    """A thought that only another server can read: it is left out."""

    silent: ClassVar = Part.silent | {"data"}
    roles: ClassVar = ("assistant",)

    type: Literal["redacted_thinking"] = "redacted_thinking"


def _input(value: Any) -> str:
    if not isinstance(value, dict):
        raise refused(f"got {shown(value)}, allowed an object")
    return json.dumps(value, ensure_ascii=False)


class ToolUseBlock(Block):
    """A call that the assistant made. `input` is kept as JSON text."""

    without_effect: ClassVar = frozenset({"caller"})
    roles: ClassVar = ("assistant",)

    type: Literal["tool_use"] = "tool_use"
    id: Id
    name: Name
    input: Annotated[str, CheckedBy(_input, {"type": "object"})]


def read_blocks(content: Any, kinds: Mapping[str, type[Block]]) -> tuple[Block, ...]:
    """The blocks of a content, which may be a mere string. Other kinds are refused."""
    if isinstance(content, str):
        return (TextBlock.model_construct(text=content),)
    if not isinstance(content, list):
        raise refused(f"got {shown(content)}, allowed a string or a list of blocks")
    return tuple(_read(block, str(index), kinds) for index, block in enumerate(content))


def _read(block: Any, place: str, kinds: Mapping[str, type[Block]]) -> Block:
    if not isinstance(block, dict):
        raise refused(f"got {shown(block)}, allowed an object with a type", place)
    word = block.get("type")
    kind = kinds.get(word) if isinstance(word, str) else None
    if kind is None:
        allowed = " | ".join(kinds)
        what = f"this kind of content is not supported; got {shown_word(word)}, allowed {allowed}"
        raise refused(what, f"{place}.type")
    try:
        return kind.parse(block)
    except InvalidArgument as error:
        raise refused(error.what, f"{place}.{error.where}") from None


def schema_of(kinds: Mapping[str, type[Block]]) -> dict[str, Any]:
    """The schema of a content of these blocks."""
    items = [of_kind(name, kind.model_json_schema(by_alias=True)) for name, kind in kinds.items()]
    return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"anyOf": items}}]}


TEXT_ONLY: Mapping[str, type[Block]] = {"text": TextBlock}


def text_content(content: Any) -> str:
    """A string or blocks of text, joined by newlines."""
    blocks = read_blocks(content, TEXT_ONLY)
    return "\n".join(block.text for block in blocks if isinstance(block, TextBlock))


class ResultPart(Block):
    """A part of what a tool answered. Kinds without a text are left out and named as ignored."""

    @classmethod
    def unknown(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        return TextBlock.unknown(values, path) if values["type"] == "text" else iter(())

    @classmethod
    def ignored(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        if (kind := values["type"]) == "text":
            return TextBlock.ignored(values, path)
        return iter(() if kind == TOOL_NAME else (path + safe_name(kind),))


def result_content(content: Any) -> str:
    """A string, or blocks joined by newlines: a short text stands for each that has none."""
    if not isinstance(content, list):
        return text_content(content)
    return text_content([_as_text(block) for block in content])


def _as_text(block: Any) -> Any:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str) or kind == "text":
        return block
    name = block.get("tool_name") if kind == TOOL_NAME else None
    return {"type": "text", "text": name if isinstance(name, str) else stand_in(kind)}


TOOL_NAME = "tool_reference"
"""What a search for tools found: the name is its text."""
_OTHER_PART = other_kind(["text"], "Another kind: a short text stands for it.")


def _result_schema() -> dict[str, Any]:
    schema = schema_of(TEXT_ONLY)
    schema["anyOf"][1]["items"]["anyOf"].append(_OTHER_PART)
    return schema


class ToolResultBlock(Block):
    """What a tool answered to a call."""

    nested: ClassVar = {"content": ResultPart}
    roles: ClassVar = ("user",)

    type: Literal["tool_result"] = "tool_result"
    tool_use_id: Id
    content: Annotated[str, CheckedBy(result_content, _result_schema)] = ""
    is_error: bool = False

    @property
    def text(self) -> str:
        """What the model reads: a failure says that it is one."""
        if not self.is_error or self.content[:5].casefold() == "error":
            return self.content
        return f"Error: {self.content}" if self.content else "Error"


System = Annotated[str, CheckedBy(text_content, partial(schema_of, TEXT_ONLY))]


KINDS: Mapping[str, type[Block]] = {
    "text": TextBlock,
    "thinking": ThinkingBlock,
    "redacted_thinking": RedactedThinkingBlock,
    "tool_use": ToolUseBlock,
    "tool_result": ToolResultBlock,
}


def any_content(content: Any) -> tuple[Block, ...]:
    """All blocks of a message."""
    return read_blocks(content, KINDS)
