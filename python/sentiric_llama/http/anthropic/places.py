# SPDX-License-Identifier: AGPL-3.0-only
"""Where the caller wrote what the messages of `messages.conversation` are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from sentiric_llama.http.anthropic.blocks import (
    Block,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from sentiric_llama.http.anthropic.messages import MessageBody

_CALL = re.compile(r"tool_calls\.(\d+)(?:\.(.+))?")
_OF_CALL = {"arguments": "input"}

Places = Mapping[str, str]
"""Part of a message -> where the caller wrote it; with "" for all other parts."""


def message_place(messages: Sequence[MessageBody], index: int, rest: str) -> str:
    """A place in a message of the conversation, in the caller's messages and blocks."""
    found = next((p for i, p in enumerate(_places(messages)) if i == index), {"": "messages"})
    if call := _CALL.fullmatch(rest):
        at = found.get(f"tool_calls.{call[1]}", found[""])
        return f"{at}.{_OF_CALL.get(call[2], call[2])}" if call[2] else at
    return found.get(rest, found[""])


def _places(messages: Sequence[MessageBody]) -> Iterator[Places]:
    """One for each message of the conversation, in its order."""
    for index, message in enumerate(messages):
        at = f"messages.{index}.content"
        if message.role == "assistant":
            yield {"": at, **_of_assistant(message.content, at)}
        elif not message.content:
            yield {"": at}
        else:
            yield from _of_others(message.content, at)


def _of_assistant(blocks: Sequence[Block], at: str) -> Places:
    found: dict[str, str] = {}
    num_calls = 0
    for index, block in enumerate(blocks):
        if isinstance(block, TextBlock):
            found.setdefault("content", _text_place(block, at, index))
        elif isinstance(block, ThinkingBlock):
            found.setdefault("reasoning", f"{at}.{index}.thinking")
        elif isinstance(block, ToolUseBlock):
            found[f"tool_calls.{num_calls}"] = f"{at}.{index}"
            num_calls += 1
    return found


def _of_others(blocks: Sequence[Block], at: str) -> Iterator[Places]:
    numbered = list(enumerate(blocks))
    for is_text, group in groupby(numbered, lambda each: isinstance(each[1], TextBlock)):
        for index, block in group:
            if is_text:
                yield {"": _text_place(block, at, index)}
                break
            if isinstance(block, ToolResultBlock):
                call = f"{at}.{index}.tool_use_id"
                yield {"": f"{at}.{index}.content", "tool_call_id": call, "name": call}


def _text_place(block: Block, at: str, index: int) -> str:
    """A content that is a mere string has no blocks."""
    return f"{at}.{index}.text" if "type" in block.model_fields_set else at
