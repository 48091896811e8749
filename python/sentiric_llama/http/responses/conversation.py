# SPDX-License-Identifier: AGPL-3.0-only
"""From `input` to the messages of a conversation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import PydanticCustomError

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.custom_tools.tool import input_arguments
from sentiric_llama.http.responses.items import (
    CustomCallItem,
    FunctionCallItem,
    Item,
    MessageItem,
    OutputItem,
    ReasoningItem,
    item_schema,
    read_item,
)
from sentiric_llama.http.responses.tools import joined_name
from sentiric_llama.http.schema_rules import Schema
from sentiric_llama.http.schemas.body import refused
from sentiric_llama.service.chat_call import MAX_MESSAGES
from sentiric_llama.types import Message, ToolCall
from sentiric_llama.types.ranges import shown
from sentiric_llama.types.wishes import MAX_CALLS, MAX_TOOL_NAME

_CALL = re.compile(r"(tool_calls\.\d+)\.(.+)")


def input_schema() -> Schema:
    """A text, or items."""
    items = {"type": "array", "items": item_schema(), "minItems": 1}
    return {"anyOf": [{"type": "string"}, items]}


class Conversation(tuple[Message, ...]):
    """The messages, and where the caller wrote them."""

    places: Sequence[Mapping[str, str]]
    """Of each message: a part of it -> its place below `input`, with "" for all other parts."""

    @classmethod
    def of(cls, messages: Sequence[Message], places: Sequence[Mapping[str, str]]) -> Conversation:
        made = cls(messages)
        made.places = places
        return made

    def place(self, index: int, rest: str) -> str:
        """A place in a message, in the items of the caller."""
        places = self.places[index] if index < len(self.places) else {"": ""}
        call = _CALL.fullmatch(rest)
        if call is None:
            at = places.get(rest, places[""])
        else:
            at = f"{places.get(call[1], places[''])}.{places.get(call[2], call[2])}"
        return f"input.{at}" if at else "input"


def read_input(value: Any) -> Conversation:
    """The messages. Raises an error at the item that is wrong."""
    if isinstance(value, str):
        return Conversation.of([Message("user", value)], [{"": ""}])
    if not isinstance(value, list):
        raise refused(f"got {shown(value)}, allowed a string or a list of items")
    reader = _Reader()
    for index, item in enumerate(value):
        try:
            reader.add(read_item(item), index)
        except InvalidArgument as error:
            raise refused(error.what, _at(index, error.where)) from None
        except PydanticCustomError as error:
            context = error.context or {}
            raise refused(context["what"], _at(index, context["field"])) from None
    messages = reader.end()
    if not messages:
        raise refused("must contain at least one message")
    if len(messages) > MAX_MESSAGES:
        raise refused(f"got {len(messages)} messages, allowed 1..{MAX_MESSAGES}")
    return Conversation.of(messages, reader.places)


def _at(index: int, where: str) -> str:
    return f"{index}.{where}" if where else str(index)


class _Reader:
    """Puts items together: neighbours of the assistant are one message of it."""

    def __init__(self) -> None:
        self.places: list[Mapping[str, str]] = []
        self._parts: dict[str, str] = {}
        """Those of the message of the assistant that is being put together."""
        self._messages: list[Message] = []
        self._thoughts: list[str] = []
        self._texts: list[str] = []
        self._calls: list[ToolCall] = []
        self._has_spoken = False
        self._made: dict[str, str] = {}
        """The calls so far: id -> name of the tool."""

    def add(self, item: Item | None, index: int) -> None:
        match item:
            case ReasoningItem():
                self._thoughts.append(item.text)
                self._parts.setdefault("reasoning", f"{index}")
            case MessageItem(role="assistant"):
                self._has_spoken = True
                self._texts.append(item.content)
                self._parts.setdefault("content", f"{index}.content")
            case FunctionCallItem():
                self._call(item, item.arguments, index)
            case CustomCallItem():
                self._call(item, input_arguments(item.input), index)
            case MessageItem():
                self._flush()
                self._messages.append(Message(item.role, item.content))
                self.places.append({"": f"{index}.content"})
            case OutputItem():
                self._flush()
                self._messages.append(self._output(item))
                call = f"{index}.call_id"
                self.places.append({"": f"{index}.output", "tool_call_id": call, "name": call})

    def end(self) -> Sequence[Message]:
        self._flush()
        return self._messages

    def _call(self, item: FunctionCallItem | CustomCallItem, arguments: str, index: int) -> None:
        if len(self._calls) >= MAX_CALLS:
            raise refused(f"allowed at most {MAX_CALLS} calls that follow one another")
        name = joined_name(item.namespace, item.name)
        if len(name) > MAX_TOOL_NAME:
            allowed = f"allowed 1..{MAX_TOOL_NAME} with its namespace"
            raise refused(f"got {len(name)} characters, {allowed}", "name")
        self._made[item.call_id] = name
        self._parts[f"tool_calls.{len(self._calls)}"] = f"{index}"
        self._calls.append(ToolCall(item.call_id, name, arguments))

    def _output(self, item: OutputItem) -> Message:
        if item.call_id is None:  # a client gives context so, such as Codex a goal
            return Message("user", item.output)
        name = self._made.get(item.call_id)
        if name is None:
            raise refused("no item before it made a call with this id", "call_id")
        return Message("tool", item.output, tool_call_id=item.call_id, name=name)

    def _flush(self) -> None:
        """Ends the message of the assistant. Thoughts that nothing followed are left out."""
        if self._has_spoken or self._calls:
            message = Message(
                "assistant",
                "\n".join(text for text in self._texts if text),
                reasoning="\n".join(text for text in self._thoughts if text),
                tool_calls=tuple(self._calls),
            )
            self._messages.append(message)
            self.places.append({"": "", "id": "call_id", **self._parts})
        self._parts = {}
        self._thoughts, self._texts, self._calls = [], [], []
        self._has_spoken = False
