# SPDX-License-Identifier: AGPL-3.0-only
"""The body of `/v1/messages` and of `/v1/messages/count_tokens`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from sentiric_llama.http.anthropic.blocks import System, TextBlock
from sentiric_llama.http.anthropic.errors import THREAD
from sentiric_llama.http.anthropic.messages import MessageBody, conversation
from sentiric_llama.http.anthropic.part import Part
from sentiric_llama.http.anthropic.places import message_place
from sentiric_llama.http.anthropic.thinking import OutputConfig, OutputFormat, Thinking
from sentiric_llama.http.anthropic.tools import CustomTool, ToolChoice, Tools, ignored_tools
from sentiric_llama.http.openai import ChatRequest
from sentiric_llama.http.schema_rules import NULL, Rules, either, fields
from sentiric_llama.http.schemas.body import CheckedBy, InRange, refused
from sentiric_llama.service.chat_call import MAX_MESSAGES, ChatCall
from sentiric_llama.service.grammar_fields import Wanted
from sentiric_llama.service.prompt.caller_names import CallerNames
from sentiric_llama.service.request_fields import KNOWN
from sentiric_llama.types import Message
from sentiric_llama.types.ranges import (
    MAX_STOP_BYTES,
    MAX_STOP_STRINGS,
    MAX_TOKENS,
    SAMPLING_RANGES,
    parse_stop,
)
from sentiric_llama.types.wishes import Wishes

_SCHEMA = re.compile(r"^parameters\b")


def _stop_sequences(value: Any) -> tuple[str, ...]:
    return parse_stop(value, only_list=True)


_TEXTS = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": MAX_STOP_BYTES},
    "maxItems": MAX_STOP_STRINGS,
}


_EXAMPLE: dict[str, Any] = {
    "model": "default",
    "max_tokens": 100,
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "Which port does HTTP use?"}],
}


class MessagesBody(Part):
    """A conversation to answer. Only `messages` is required."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    silent: ClassVar = Part.silent | {"metadata"}
    without_effect: ClassVar = frozenset(
        {
            *("service_tier", "context_management", "betas"),
            *("inference_geo", "speed", "diagnostics", "compaction", "fallbacks"),
        }
    )
    unsupported: ClassVar = {THREAD: (), "mcp_servers": ([],), "container": ()}
    others: ClassVar = KNOWN
    nested: ClassVar = {
        "messages": MessageBody,
        "system": TextBlock,
        "tools": CustomTool,
        "tool_choice": ToolChoice,
        "thinking": Thinking,
        "output_config": OutputConfig,
        "output_format": OutputFormat,
    }

    rules: ClassVar[Rules] = (
        either(
            fields(
                tool_choice={"not": {"properties": {"type": {"const": "any"}}, "type": "object"}}
            ),
            fields(["tools"], tools={"type": "array", "minItems": 1}),
        ),
        either(
            fields(output_format=NULL),
            fields(output_config=NULL),
            fields(output_config=fields(format=NULL)),
        ),
    )

    messages: list[MessageBody] = Field(min_length=1, max_length=MAX_MESSAGES)
    model: str | None = None
    system: System = ""
    max_tokens: Annotated[int | None, InRange(MAX_TOKENS)] = None
    stream: bool = False
    temperature: Annotated[float | None, InRange(SAMPLING_RANGES["temperature"])] = None
    top_k: Annotated[int | None, InRange(SAMPLING_RANGES["top_k"])] = None
    top_p: Annotated[float | None, InRange(SAMPLING_RANGES["top_p"])] = None
    stop_sequences: Annotated[tuple[str, ...], CheckedBy(_stop_sequences, _TEXTS)] = ()
    tools: Tools = ()
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None

    @classmethod
    def ignored_header(cls, values: Mapping[str, Any]) -> dict[str, str]:
        return super().ignored_header(values) | ignored_tools(values.get("tools"))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        choice, names = self.tool_choice, {tool.name for _, tool in self.tools}
        if choice is not None and choice.type == "any" and not names:
            raise refused("needs tools", "tool_choice.type")
        if choice is not None and choice.type == "tool" and choice.name not in names:
            what = "names a tool that is not in tools (server tools are not supported)"
            raise refused(what, "tool_choice.name")
        if self.output_format and self.output_config and self.output_config.format:
            raise refused("cannot be set together with output_config.format", "output_format")
        return self._with_its_conversation()

    def _with_its_conversation(self) -> Self:
        """Reads what errors may be in, while they still belong to the body."""
        _ = self.conversation, self.wanted
        return self

    @cached_property
    def conversation(self) -> tuple[Message, ...]:
        """The messages for the template, the system prompt in front."""
        first = [Message("system", self.system)] if self.system else []
        return (*first, *conversation(self.messages))

    @cached_property
    def wanted(self) -> Wanted:
        """The field that gives the form of the answer, and its grammar."""
        if self.output_format is not None:
            return Wanted("output_format", self.output_format.grammar("output_format"))
        if self.output_config is not None and self.output_config.format is not None:
            field = "output_config.format"
            return Wanted(field, self.output_config.format.grammar(field))
        return Wanted()

    def tool_place(self, index: int, rest: str) -> str:
        """A place in a tool of the call, in the caller's list."""
        return f"tools.{self.tools[index][0]}.{_SCHEMA.sub('input_schema', rest)}"

    def message_place(self, index: int, rest: str) -> str:
        """A place in a message of the call, in the caller's messages and blocks."""
        if self.system and index == 0:
            return "system"
        return message_place(self.messages, index - bool(self.system), rest)

    def call(self) -> ChatCall:
        """The protocol-neutral request.

        As with Anthropic, nothing of a conversation that is too long is left out: it is refused,
        and an answer ends where the context does.
        """
        given = {name: getattr(self, name) for name in ("temperature", "top_k", "top_p")}
        limit = self.max_tokens
        return ChatCall(
            messages=self.conversation,
            model=self.model,
            sampling={name: value for name, value in given.items() if value is not None},
            max_tokens=None if limit is None or limit < 0 else limit,
            stop=self.stop_sequences,
            grammar=self.wanted.grammar,
            grammar_field=self.wanted.field,
            truncation="error",
            shift=False,
            wishes=self._wishes(),
            continues=self.messages[-1].can_go_on,
        )

    def _wishes(self) -> Wishes:
        """Thoughts come only when asked for: clients read the first block as the answer."""
        choice, thinking = self.tool_choice or ToolChoice(type="auto"), self.thinking
        return Wishes(
            tools=tuple(tool.tool() for _, tool in self.tools),
            tool_choice=choice.wish,
            parallel=not choice.disable_parallel_tool_use,
            strict=frozenset(tool.name for _, tool in self.tools if tool.strict),
            thinks=thinking.thinks if thinking else False,
            effort=(self.output_config and self.output_config.effort) or "",
            thinking_budget=thinking.budget if thinking else None,
        )


MessagesBody.model_rebuild()  # now, not when the first request waits for it


def parse_messages(values: dict[str, Any], *, strict: bool = False) -> ChatRequest:
    """The validated request. Raises InvalidArgument with the field in `where`.

    Unknown fields are ignored and named in the response headers, or refused if `strict`.
    """
    body, headers = MessagesBody.read(values, strict=strict)
    names = CallerNames({"stop": "stop_sequences"}, body.tool_place, body.message_place)
    return ChatRequest(body.call(), body.stream, headers=headers, names=names)
