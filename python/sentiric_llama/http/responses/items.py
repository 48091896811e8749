# SPDX-License-Identifier: AGPL-3.0-only
"""The items of `input`: messages, thoughts, calls of tools and what came of them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sentiric_llama.http.schema_rules import (
    NULL,
    Rules,
    Schema,
    either,
    fields,
    of_kind,
    other_kind,
)
from sentiric_llama.http.schemas.body import Body, CheckedBy, refused
from sentiric_llama.http.schemas.message import join_parts, stand_in
from sentiric_llama.http.schemas.tools import Name
from sentiric_llama.service.request_fields import safe_name
from sentiric_llama.types.ranges import shown
from sentiric_llama.types.wishes import MAX_TOOL_NAME

TEXT_KINDS = ("input_text", "output_text", "text")
THOUGHT_KINDS = ("reasoning_text", "summary_text", "text")


def _text_schema(kinds: Sequence[str], dropped: Sequence[str] = ()) -> dict[str, Any]:
    part: dict[str, Any] = {
        "title": "PartBody",
        "type": "object",
        "properties": {"type": {"enum": [*kinds]}, "text": {"type": "string"}},
        "required": ["type", "text"],
    }
    if dropped:
        gone = {"title": "PartBody", "type": "object", "properties": {"type": {"enum": [*dropped]}}}
        part = {"anyOf": [part, gone | {"required": ["type"]}]}
    return {"anyOf": [{"type": "string"}, {"type": "array", "items": part}, {"type": "null"}]}


_parts_of = partial(join_parts, kinds=TEXT_KINDS, dropped=("refusal",))
Text = Annotated[str, CheckedBy(_parts_of, _text_schema(TEXT_KINDS, ["refusal"]))]
Thought = Annotated[
    str, CheckedBy(partial(join_parts, kinds=THOUGHT_KINDS), _text_schema(THOUGHT_KINDS))
]
_OUTPUT_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "array",
            "items": {
                "anyOf": [
                    {
                        "title": "PartBody",
                        "type": "object",
                        "properties": {"type": {"enum": [*TEXT_KINDS]}, "text": {"type": "string"}},
                        "required": ["type", "text"],
                    },
                    other_kind(TEXT_KINDS, "A short text stands for it."),
                ]
            },
        },
        {"type": "null"},
    ]
}
CallId = Annotated[str, Field(min_length=1, max_length=MAX_TOOL_NAME)]


class PartBody(Body):
    """A part of a text. Parts of the kind `refusal` are left out."""

    type: str
    text: str = ""
    refusal: Any = None
    annotations: Any = None
    logprobs: Any = None


class Item(Body):
    """What all items have. Earlier answers come back with these, and they change nothing."""

    id: Any = None
    status: Any = None


class MessageItem(Item):
    """A message, whose content is a string or parts of text."""

    nested: ClassVar = {"content": PartBody}

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Text
    phase: Any = None

    @model_validator(mode="before")
    @classmethod
    def _has_content(cls, values: Any) -> Any:
        """null is an empty text."""
        if isinstance(values, dict) and values.get("content", 0) is None:
            return values | {"content": ""}
        return values


_SEAL = "thought:"


def sealed(thought: str) -> str:
    """A thought as `encrypted_content`: one word that clients carry without reading it.

    Nothing is secret in it: whoever has it has had the thought in clear.
    """
    return _SEAL + base64.b64encode(thought.encode()).decode()


def opened(seal: Any) -> str:
    """The thought in what `sealed` made; nothing in what another server has encrypted."""
    if not isinstance(seal, str) or not seal.startswith(_SEAL):
        return ""
    try:
        return base64.b64decode(seal.removeprefix(_SEAL), validate=True).decode()
    except (binascii.Error, ValueError):  # also of text that is no UTF-8
        return ""


class ReasoningItem(Item):
    """What the model thought before the items that follow."""

    nested: ClassVar = {"content": PartBody, "summary": PartBody}

    type: Literal["reasoning"]
    summary: Thought = ""
    content: Thought = ""
    encrypted_content: Any = None

    @property
    def text(self) -> str:
        return self.content or self.summary or opened(self.encrypted_content)


class FunctionCallItem(Item):
    """A call of a function; `arguments` is JSON as text."""

    type: Literal["function_call"]
    call_id: CallId
    name: Name
    arguments: str
    namespace: Name | None = None


class CustomCallItem(Item):
    """A call of a custom tool, with its input as it is."""

    type: Literal["custom_tool_call"]
    call_id: CallId
    name: Name
    input: str
    namespace: Name | None = None


def _output_of(content: Any) -> str:
    """A string, or parts joined by newlines: a short text stands for each that has none."""
    return _parts_of([_as_text(p) for p in content] if isinstance(content, list) else content)


def _as_text(part: Any) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind in (*TEXT_KINDS, "refusal"):
        return part
    return {"type": "text", "text": stand_in(kind)}


class OutputItem(Item):
    """What a call came to: a string, or parts. One without a call, by name, is a context."""

    nested: ClassVar = {"output": PartBody}

    type: Literal["function_call_output", "custom_tool_call_output"]
    call_id: CallId | None = None
    output: Annotated[str, CheckedBy(_output_of, _OUTPUT_SCHEMA)]
    name: Any = None
    namespace: Any = None

    rules: ClassVar[Rules] = (
        either(
            fields(["call_id"], call_id={"type": "string"}),
            fields(["name"], call_id=NULL, name={"type": "string"}),
        ),
    )

    @model_validator(mode="after")
    def _says_whence_it_comes(self) -> Self:
        if self.call_id is None and not isinstance(self.name, str):
            raise refused("this field is required", "call_id")
        return self


REFERENCE = "item_reference"
THOUGHT_ID = "rs_"
"""How ids of thoughts begin, here and elsewhere."""
KINDS: Mapping[str, type[Item]] = {
    "message": MessageItem,
    "reasoning": ReasoningItem,
    "function_call": FunctionCallItem,
    "custom_tool_call": CustomCallItem,
    "function_call_output": OutputItem,
    "custom_tool_call_output": OutputItem,
}


class AnyItem(Body):
    """An item of any kind. Those that are not in KINDS are left out, and named as ignored."""

    @classmethod
    def unknown(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        kind = KINDS.get(kind_of(values))
        return kind.unknown(values, path) if kind else iter(())

    @classmethod
    def ignored(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        name = kind_of(values)
        kind = KINDS.get(name)
        return kind.ignored(values, path) if kind else iter((path + safe_name(name),))


def kind_of(item: Any) -> str:
    """The kind of an item. One without a type is a message, or names another."""
    kind = item.get("type") if isinstance(item, dict) else None
    if kind is None:
        return REFERENCE if is_reference(item) else "message"
    return str(kind)[:MAX_TOOL_NAME]


def read_item(item: Any) -> Item | None:
    """The checked item; None for a kind that is left out. Raises InvalidArgument."""
    if not isinstance(item, dict):
        raise refused(f"got {shown(item)}, allowed an object")
    if not isinstance(item.get("type", ""), str | None):
        raise refused(f"got {shown(item['type'])}, allowed a string", "type")
    if is_reference(item):
        _check_missing(item)
        return None
    kind = KINDS.get(kind_of(item))
    return kind.parse(item) if kind else None


def is_reference(item: Any) -> bool:
    """Whether it only names an item of an earlier answer."""
    if not isinstance(item, dict):
        return False
    kind = item.get("type")
    return kind == REFERENCE or (kind is None and item.keys() - {"type"} == {"id"})


def _check_missing(item: Mapping[str, Any]) -> None:
    """Raises an error if what is named is needed: a conversation can do without a thought."""
    name = item.get("id")
    if not isinstance(name, str):
        raise refused(f"got {shown(name)}, allowed the id of an item", "id")
    if name.startswith(THOUGHT_ID):
        return
    what = (
        "no item with this id is known: they are kept for an hour, unless newer ones need the room "
        "or store is false; send the item itself, as clients do with store: false"
    )
    raise refused(what, "id")


def item_schema() -> Schema:
    """The schema of an item."""
    known = (
        of_kind(name, kind.model_json_schema(by_alias=True), is_default=name == "message")
        for name, kind in KINDS.items()
    )
    about = "Another kind: left out, and named as ignored."
    return either(*known, other_kind((*KINDS, REFERENCE), about))
