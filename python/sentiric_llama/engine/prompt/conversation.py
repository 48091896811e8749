# SPDX-License-Identifier: AGPL-3.0-only
"""What callers give as a conversation, as the dataclasses of `types` and as native values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from sentiric_llama.engine.arguments import items_of
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.off_loop import LARGE_TEXT
from sentiric_llama.types import Message, Request, Tool, ToolCall

_MANY_MESSAGES = 256

ChatPrompt = Sequence[Message | Mapping[str, Any]]
ToolList = Sequence[Tool | Mapping[str, Any]]
NativeMessage = tuple[str, str, str, list[tuple[str, str, str]], str, str]


def text_length(message: Message) -> int:
    """About how many characters its texts have."""
    calls = sum(len(call.arguments) for call in message.tool_calls)
    return len(message.content) + len(message.reasoning) + calls


def is_large(messages: Sequence[Message], tools: Sequence[Tool] = ()) -> bool:
    """True if working on this conversation would hold up an event loop."""
    try:
        if len(messages) > _MANY_MESSAGES:
            return True
        shown = sum(len(tool.description) + len(tool.parameters) for tool in tools)
        return shown + sum(map(text_length, messages)) > LARGE_TEXT
    except (AttributeError, TypeError):  # not messages, which the conversion refuses later
        return False


def native_messages(messages: Sequence[Message]) -> list[NativeMessage]:
    return [
        (
            *(message.role, message.content, message.reasoning),
            [(call.id, call.name, call.arguments) for call in message.tool_calls],
            *(message.tool_call_id, message.name),
        )
        for message in messages
    ]


def native_tools(tools: Sequence[Tool]) -> list[tuple[str, str, str]]:
    return [(tool.name, tool.description, tool.parameters) for tool in tools]


class RenderOptions(TypedDict, total=False):
    """What a chat template gets besides the messages; `Request` explains the first three."""

    tools: ToolList
    template_arguments: str
    continues: bool
    add_generation_prompt: bool
    """Whether the beginning of the answer is added, as it is unless told otherwise."""


def conversation(
    messages: ChatPrompt,
    *,
    tools: ToolList = (),
    template_arguments: str = "",
    continues: bool = False,
    add_generation_prompt: bool = True,
) -> tuple[Request, bool]:
    """A request of which only the conversation matters, and `add_generation_prompt`."""
    asked = Request(
        messages=to_messages(messages),
        tools=to_tools(tools),
        template_arguments=template_arguments,
        continues=continues,
    )
    return asked, add_generation_prompt


def to_messages(messages: ChatPrompt) -> tuple[Message, ...]:
    """Messages from dataclasses or OpenAI-style dictionaries.

    Raises InvalidArgument at `messages[i]`, or at the field of a dictionary.
    """
    return tuple(
        _checked(given if isinstance(given, Message) else _message(given, where), where)
        for i, given in enumerate(items_of(messages, "messages"))
        if (where := f"messages[{i}]")
    )


def to_tools(tools: ToolList) -> tuple[Tool, ...]:
    """Tools from dataclasses or OpenAI-style dictionaries. Raises InvalidArgument at `tools[i]`."""
    return tuple(
        given if isinstance(given, Tool) else _tool(given, f"tools[{i}]")
        for i, given in enumerate(items_of(tools, "tools"))
    )


def _checked(message: Message, where: str) -> Message:
    if not all(isinstance(part, str) for part in (message.role, message.content)):
        raise InvalidArgument("role and content must be strings", where=where)
    if not isinstance(message.tool_calls, tuple | list):
        raise InvalidArgument("must be a list", where=f"{where}.tool_calls")
    texts = (message.reasoning, message.tool_call_id, message.name)
    if not all(isinstance(text, str) for text in texts):
        what = "reasoning, tool_call_id and name must be strings"
        raise InvalidArgument(what, where=where)
    for i, call in enumerate(message.tool_calls):
        is_call = isinstance(call, ToolCall)
        if not is_call or not all(isinstance(x, str) for x in (call.id, call.name, call.arguments)):
            what = "must be a ToolCall of three strings"
            raise InvalidArgument(what, where=f"{where}.tool_calls[{i}]")
    return message


def _message(given: Any, where: str) -> Message:
    if not isinstance(given, Mapping) or "role" not in given:
        raise InvalidArgument("needs role and content", where=where)
    calls = given.get("tool_calls") or ()
    if "content" not in given and not calls:
        raise InvalidArgument("needs role and content", where=where)
    content: Any = given.get("content")
    return Message(
        role=given["role"],
        content="" if content is None and calls else content,
        reasoning=given.get("reasoning") or given.get("reasoning_content") or "",
        tool_calls=tuple(
            call if isinstance(call, ToolCall) else _call(call, f"{where}.tool_calls[{i}]")
            for i, call in enumerate(items_of(calls, f"{where}.tool_calls"))
        ),
        tool_call_id=given.get("tool_call_id") or "",
        name=given.get("name") or "",
    )


def _call(given: Any, where: str) -> ToolCall:
    function = given.get("function") if isinstance(given, Mapping) else None
    if not isinstance(function, Mapping) or "name" not in function:
        raise InvalidArgument("needs a function with a name", where=where)
    arguments = function.get("arguments", "{}")
    if isinstance(arguments, Mapping):
        arguments = _json(arguments, f"{where}.function.arguments")
    return ToolCall(given.get("id") or "", function["name"], arguments)


def _tool(given: Any, where: str) -> Tool:
    function = given.get("function") if isinstance(given, Mapping) else None
    if not isinstance(function, Mapping) or "name" not in function:
        raise InvalidArgument("needs a function with a name", where=where)
    parameters = function.get("parameters")
    text = "" if parameters is None else _json(parameters, f"{where}.function.parameters")
    return Tool(function["name"], function.get("description") or "", text)


def _json(value: Any, where: str) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise InvalidArgument("cannot be written as JSON", where=where) from None
