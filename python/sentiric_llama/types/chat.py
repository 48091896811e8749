# SPDX-License-Identifier: AGPL-3.0-only
"""What the library's chat methods give: thoughts, text and calls of tools, in deltas and whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

from sentiric_llama.types.request import Message, ToolCall
from sentiric_llama.types.result import Completion, Delta, Ending
from sentiric_llama.types.wishes import Effort


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Whether, how much and how long to think before the answer."""

    effort: Effort | None = None
    """"none" not at all; None: as the template has it."""
    max_tokens: int | None = None
    """After so many tokens a thought is ended; None or -1: no limit."""


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A part of a call. Its first delta has `id` and `name`, all have `index`."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    """A part of the JSON."""


@dataclass(frozen=True, slots=True)
class ChatDelta(Delta):
    """A delta of an answer, whose `text` is as it was generated.

    What it says may lag behind the text by what is not certain yet.
    """

    content: str = ""
    """Text without thoughts and calls."""
    reasoning_content: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    warnings: tuple[str, ...] = ()
    """Why something that began as a call was left as text."""
    finish_reason: Ending | None = None
    """With the last delta: "tool_calls", or as in `final`."""


@dataclass(frozen=True, slots=True)
class ChatCompletion(Completion):
    """A finished answer, whose `text` is as it was generated."""

    content: str = ""
    """Text without thoughts and calls."""
    reasoning_content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    warnings: tuple[str, ...] = ()
    """Why something that began as a call was left as text."""
    unenforced: tuple[str, ...] = ()
    """Tools whose arguments no grammar can enforce: a call has any object."""

    @property
    def message(self) -> Message:
        """The answer as a message, for the conversation that goes on."""
        return Message(
            "assistant",
            self.content,
            reasoning=self.reasoning_content,
            tool_calls=self.tool_calls,
        )

    @classmethod
    def of(cls, deltas: Sequence[ChatDelta], unenforced: tuple[str, ...] = ()) -> Self:
        """Joins the deltas of a whole stream. Raises InternalError if the last one is missing."""
        base = Completion.join(deltas)
        plain = {field.name: getattr(base, field.name) for field in fields(base)}
        plain["usage"] = replace(base.usage, thought_tokens=base.thought_tokens)
        plain["finish_reason"] = deltas[-1].finish_reason or base.finish_reason
        return cls(
            **plain,
            content="".join(delta.content for delta in deltas),
            reasoning_content="".join(delta.reasoning_content for delta in deltas),
            tool_calls=_calls(deltas),
            warnings=tuple(text for delta in deltas for text in delta.warnings),
            unenforced=unenforced,
        )


def _calls(deltas: Sequence[ChatDelta]) -> tuple[ToolCall, ...]:
    first: dict[int, ToolCallDelta] = {}
    arguments: dict[int, list[str]] = {}
    for part in (part for delta in deltas for part in delta.tool_calls):
        first.setdefault(part.index, part)
        arguments.setdefault(part.index, []).append(part.arguments)
    return tuple(ToolCall(c.id, c.name, "".join(arguments[i])) for i, c in first.items())
