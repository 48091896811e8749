# SPDX-License-Identifier: AGPL-3.0-only
"""One message of a conversation, as OpenAI's chat API writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sentiric_llama.http.schema_rules import NO_ITEMS, Rules, either, fields
from sentiric_llama.http.schemas.body import Body, CheckedBy, refused
from sentiric_llama.http.schemas.tools import CallBody, ShortText
from sentiric_llama.service.request_fields import safe_name
from sentiric_llama.types import Message
from sentiric_llama.types.ranges import shown
from sentiric_llama.types.wishes import MAX_CALLS


def join_parts(content: Any, kinds: Sequence[str] = ("text",), dropped: Sequence[str] = ()) -> str:
    """The text of a message: a string, or parts of these kinds joined by newlines."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise refused(f"got {shown(content)}, allowed a string, a list of parts, or null")
    parts = (_part(part, index, kinds, dropped) for index, part in enumerate(content))
    return "\n".join(part for part in parts if part is not None)


def _part(part: Any, index: int, kinds: Sequence[str], dropped: Sequence[str]) -> str | None:
    """The text of a part; None for one to be left out."""
    if not isinstance(part, dict):
        what = f'got {shown(part)}, allowed an object {{"type": "{kinds[0]}", "text": ...}}'
        raise refused(what, str(index))
    kind, text = part.get("type"), part.get("text")
    if kind in dropped:
        return None
    if kind not in kinds:
        got = repr(kind[:40]) if isinstance(kind, str) else shown(kind)
        allowed = " | ".join(map(repr, kinds))
        what = f"this kind of content is not supported; got {got}, allowed {allowed}"
        raise refused(what, f"{index}.type")
    if not isinstance(text, str):
        raise refused(f"got {shown(text)}, allowed a string", f"{index}.text")
    return text


def stand_in(kind: str) -> str:
    """What the model reads for a part that it cannot: a result of a tool, unlike a question, stays
    in the conversation for good, so that a refusal would end it.
    """
    return f"[{safe_name(kind)} omitted: this model accepts text only]"


_CONTENT = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "array",
            "items": {
                "title": "TextPart",
                "type": "object",
                "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
                "required": ["type", "text"],
            },
        },
        {"type": "null"},
    ]
}


class TextPart(Body):
    """A part of a message's content; `join_parts` checks it."""

    type: Literal["text"]
    text: str


class ChatMessage(Body):
    """One message. Control tokens in its texts have no effect."""

    model_config = ConfigDict(json_schema_extra={"required": ["role", "content"]})

    unsupported: ClassVar = {"function_call": ({},)}
    without_effect: ClassVar = frozenset({"refusal", "annotations"})
    nested: ClassVar = {"content": TextPart, "tool_calls": CallBody}
    rules: ClassVar[Rules] = (
        either(
            fields(role={"enum": ["system", "developer", "user"]}, tool_calls=NO_ITEMS),
            fields(role={"const": "assistant"}),
            fields(
                ["tool_call_id"],
                role={"const": "tool"},
                tool_calls=NO_ITEMS,
                tool_call_id={
                    "type": "string",
                    "minLength": 1,
                    "description": "The id of a call in a message before it.",
                },
            ),
        ),
    )

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[str, CheckedBy(join_parts, _CONTENT)] = ""
    reasoning_content: str = ""
    tool_calls: list[CallBody] = Field(default_factory=list, max_length=MAX_CALLS)
    tool_call_id: ShortText = ""
    name: ShortText = ""

    @model_validator(mode="before")
    @classmethod
    def _has_content(cls, values: Any) -> Any:
        """null is an empty text. A message without the field is a mistake of the caller."""
        if isinstance(values, dict) and not values.keys() & {"content", "tool_calls"}:
            raise refused("this field is required", "content")
        return values

    @model_validator(mode="after")
    def _fits_its_role(self) -> Self:
        if self.tool_calls and self.role != "assistant":
            raise refused("only assistant messages may have tool calls", "tool_calls")
        if self.role == "tool" and not self.tool_call_id:
            raise refused("a tool message must name the call that it answers", "tool_call_id")
        return self

    def message(self) -> Message:
        return Message(
            self.role,
            self.content,
            reasoning=self.reasoning_content,
            tool_calls=tuple(call.call() for call in self.tool_calls),
            tool_call_id=self.tool_call_id if self.role == "tool" else "",
            name=self.name,
        )


def check_results(messages: Sequence[ChatMessage]) -> None:
    """Raises an error at the first tool message that answers no call before it."""
    made: set[str] = set()
    for index, message in enumerate(messages):
        made.update(call.id for call in message.tool_calls)
        if message.role == "tool" and message.tool_call_id not in made:
            what = "no earlier message contains a tool call with this id"
            raise refused(what, f"messages.{index}.tool_call_id")
