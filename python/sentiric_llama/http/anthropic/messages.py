# SPDX-License-Identifier: AGPL-3.0-only
"""The messages of a conversation, in Anthropic's form and in ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator

from sentiric_llama.http.anthropic.blocks import (
    KINDS,
    Block,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    any_content,
    schema_of,
)
from sentiric_llama.http.anthropic.part import Part
from sentiric_llama.http.schema_rules import Rules, Schema, either, fields
from sentiric_llama.http.schemas.body import CheckedBy, refused
from sentiric_llama.types import Message, ToolCall


def _of_role(role: str) -> Schema:
    """What a message of this role may hold."""
    kinds = {name: kind for name, kind in KINDS.items() if role in kind.roles}
    return fields(role={"const": role}, content=schema_of(kinds))


def _of_any_role() -> Schema:
    return either(*map(_of_role, ("user", "assistant", "system")))


class MessageBody(Part):
    """One message. Roles need not alternate; `system` keeps its place in the conversation."""

    nested: ClassVar = {"content": Block}

    role: Literal["user", "assistant", "system"]
    content: Annotated[tuple[Block, ...], CheckedBy(any_content, {"type": ["string", "array"]})]
    rules: ClassVar[Rules] = (_of_any_role,)

    @model_validator(mode="after")
    def _fits_its_role(self) -> Self:
        for index, block in enumerate(self.content):
            if self.role not in block.roles:
                what = f"allowed only in {' and '.join(block.roles)} messages"
                raise refused(what, f"content.{index}.type")
        return self

    @property
    def can_go_on(self) -> bool:
        """Whether an answer may continue it."""
        has_calls = any(isinstance(block, ToolUseBlock) for block in self.content)
        return self.role == "assistant" and not has_calls


def conversation(messages: Sequence[MessageBody]) -> Iterator[Message]:
    """The messages for the template: a result of a tool is one of its own.

    Raises an error at the first result that answers no call before it.
    """
    names: dict[str, str] = {}
    """Id of a call -> name of the tool."""
    for index, message in enumerate(messages):
        if message.role == "assistant":
            made = _assistant(message)
            names |= {call.id: call.name for call in made.tool_calls}
            yield made
            continue
        for place, block in enumerate(message.content):
            if isinstance(block, ToolResultBlock) and block.tool_use_id not in names:
                what = "no earlier message contains a tool call with this id"
                raise refused(what, f"messages.{index}.content.{place}.tool_use_id")
        yield from _others(message, names)


def _assistant(message: MessageBody) -> Message:
    """Its texts are one text, as the answer was that they are a copy of."""
    blocks = message.content
    return Message(
        "assistant",
        "".join(block.text for block in blocks if isinstance(block, TextBlock)),
        reasoning="".join(block.thinking for block in blocks if isinstance(block, ThinkingBlock)),
        tool_calls=tuple(
            ToolCall(block.id, block.name, block.input)
            for block in blocks
            if isinstance(block, ToolUseBlock)
        ),
    )


def _others(message: MessageBody, names: dict[str, str]) -> Iterator[Message]:
    """Texts that follow one another are one message, joined by newlines."""
    if not message.content:
        yield Message(message.role, "")
    for is_text, blocks in groupby(message.content, lambda block: isinstance(block, TextBlock)):
        if is_text:
            texts = [block.text for block in blocks if isinstance(block, TextBlock)]
            yield Message(message.role, "\n".join(texts))
            continue
        for block in blocks:
            if isinstance(block, ToolResultBlock):
                call = block.tool_use_id
                yield Message("tool", block.text, tool_call_id=call, name=names[call])
