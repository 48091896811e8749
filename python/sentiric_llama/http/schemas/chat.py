# SPDX-License-Identifier: AGPL-3.0-only
"""The body of `/v1/chat/completions`: fields of OpenAI's API, of llama.cpp, and our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sentiric_llama.http.schemas.body import Body, CheckedBy, InRange, refused
from sentiric_llama.http.schemas.grammar import GrammarFields, ResponseFormat
from sentiric_llama.http.schemas.sampling import SamplingFields
from sentiric_llama.service.chat_call import MAX_MESSAGES, ChatCall
from sentiric_llama.service.request_fields import CALL_CHOICES, UNSUPPORTED, WITHOUT_EFFECT
from sentiric_llama.types import Message, Priority, Truncation
from sentiric_llama.types.ranges import CHOICES, MAX_TOKENS, SAMPLING_RANGES, parse_stop, shown


def join_parts(content: Any) -> str:
    """The text of a message: a string, or text parts joined by newlines."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise refused(f"got {shown(content)}, allowed a string, a list of parts, or null")
    return "\n".join(_part(part, index) for index, part in enumerate(content))


def _part(part: Any, index: int) -> str:
    if not isinstance(part, dict):
        what = f'got {shown(part)}, allowed an object {{"type": "text", "text": ...}}'
        raise refused(what, str(index))
    kind, text = part.get("type"), part.get("text")
    if kind != "text":
        got = repr(kind[:40]) if isinstance(kind, str) else shown(kind)
        what = f"this kind of content is not supported; got {got}, allowed 'text'"
        raise refused(what, f"{index}.type")
    if not isinstance(text, str):
        raise refused(f"got {shown(text)}, allowed a string", f"{index}.text")
    return text


_CONTENT = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
                "required": ["type", "text"],
            },
        },
        {"type": "null"},
    ]
}
_STOP = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "maxItems": 8},
    ]
}


class TextPart(Body):
    """A part of a message's content; `join_parts` checks it."""

    type: Literal["text"]
    text: str


class ChatMessage(Body):
    """One message. Control tokens in its text have no effect."""

    model_config = ConfigDict(json_schema_extra={"required": ["role", "content"]})

    unsupported: ClassVar = {"function_call": ({},)}
    without_effect: ClassVar = frozenset(
        {"name", "refusal", "annotations", "reasoning_content", "tool_call_id"}
    )
    nested: ClassVar = {"content": TextPart}

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[str, CheckedBy(join_parts, _CONTENT)] = ""
    tool_calls: list[Any] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _has_content(cls, values: Any) -> Any:
        """null is an empty text. A message without the field is a mistake of the caller."""
        if isinstance(values, dict) and not values.keys() & {"content", "tool_calls"}:
            raise refused("this field is required", "content")
        return values

    @model_validator(mode="after")
    def _no_tools(self) -> Self:
        if self.tool_calls:
            raise refused("tool calls are not supported yet", "tool_calls")
        return self


class StreamOptions(Body):
    """OpenAI's `stream_options`."""

    include_usage: bool = False


class ChatBody(SamplingFields, GrammarFields):
    """A chat request."""

    unsupported: ClassVar = UNSUPPORTED
    without_effect: ClassVar = WITHOUT_EFFECT
    nested: ClassVar = {
        "messages": ChatMessage,
        "stream_options": StreamOptions,
        "response_format": ResponseFormat,
    }

    messages: list[ChatMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    n: Annotated[int, InRange(CHOICES)] = 1
    max_tokens: Annotated[int | None, InRange(MAX_TOKENS)] = None
    max_completion_tokens: Annotated[int | None, InRange(MAX_TOKENS)] = None
    stop: Annotated[tuple[str, ...], CheckedBy(parse_stop, _STOP)] = ()
    ignore_eos: bool = False
    logprobs: bool = False
    top_logprobs: Annotated[int | None, InRange(SAMPLING_RANGES["top_logprobs"])] = None
    truncation: Truncation | None = None
    priority: Priority = "normal"
    system_prompt: str | None = None
    rag_context: str | None = None
    lora_adapter: str | None = None
    tools: list[Any] = Field(default_factory=list)
    functions: list[Any] = Field(default_factory=list)
    tool_choice: Literal["none", "auto"] | None = None
    function_call: Literal["none", "auto"] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.top_logprobs is not None and not self.logprobs:
            raise refused("needs logprobs: true", "top_logprobs")
        for name, choices in CALL_CHOICES.items():
            if getattr(self, name) and all(getattr(self, choice) != "none" for choice in choices):
                what = "tool calls are not supported yet; leave it out or set"
                raise refused(f'{what} {choices[0]} to "none"', name)
        return self

    @classmethod
    def unused(cls, given: Mapping[str, Any]) -> list[str]:
        """Definitions that may not be called, and constraints that are "" for "unset"."""
        return [*super().unused(given), *(name for name in CALL_CHOICES if given.get(name))]

    def call(self) -> ChatCall:
        """The protocol-neutral request."""
        sampling = self.sampling()
        if self.logprobs:
            sampling["top_logprobs"] = self.top_logprobs or 0
        return ChatCall(
            messages=tuple(Message(message.role, message.content) for message in self.messages),
            model=self.model,
            system_prompt=self.system_prompt,
            rag_context=self.rag_context,
            lora_adapter=self.lora_adapter,
            sampling=sampling,
            max_tokens=self._limit(),
            stop=self.stop,
            grammar=self.wanted.grammar,
            grammar_field=self.wanted.field,
            ignore_eos=self.ignore_eos,
            truncation=self.truncation,
            priority=self.priority,
            n=self.n,
        )

    def _limit(self) -> int | None:
        """`max_completion_tokens`, else `max_tokens`. None, the default, for -1."""
        limits = (self.max_completion_tokens, self.max_tokens)
        return next((limit for limit in limits if limit is not None and limit >= 0), None)


ChatBody.model_rebuild()  # now, not when the first request waits for it
