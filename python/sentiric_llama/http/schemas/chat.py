# SPDX-License-Identifier: AGPL-3.0-only
"""The body of `/v1/chat/completions`: fields of OpenAI's API, of llama.cpp, and our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sentiric_llama.http.schema_rules import NO_ITEMS, NULL, Rules, either, fields
from sentiric_llama.http.schemas.body import Body, CheckedBy, InRange, refused
from sentiric_llama.http.schemas.generation import GenerationFields
from sentiric_llama.http.schemas.grammar import no_gbnf
from sentiric_llama.http.schemas.message import ChatMessage, TextPart, check_results, join_parts
from sentiric_llama.http.schemas.reasoning import ReasoningFields
from sentiric_llama.http.schemas.tools import ToolBody, ToolFields, known_places
from sentiric_llama.service.chat_call import MAX_MESSAGES, ChatCall
from sentiric_llama.service.prompt.caller_names import CallerNames, chat_tool
from sentiric_llama.service.request_fields import KNOWN, UNSUPPORTED, WITHOUT_EFFECT
from sentiric_llama.types.ranges import MAX_TOKENS, SAMPLING_RANGES
from sentiric_llama.types.wishes import Wishes

_EXAMPLE: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Which port does HTTP use?"},
    ],
    "max_tokens": 100,
    "temperature": 0.2,
}


_PREDICTED = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"const": "text", "description": "what the part is"},
                    "text": {"type": "string", "description": "its text"},
                },
                "required": ["type", "text"],
            },
        },
    ]
}


class PredictionField(Body):
    """A text that the answer is expected to be, or to have much of."""

    nested: ClassVar = {"content": TextPart}

    type: Literal["content"]
    content: Annotated[str, CheckedBy(join_parts, _PREDICTED)]


class ChatBody(GenerationFields, ToolFields, ReasoningFields):
    """A chat request. At most one field may constrain the answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    unsupported: ClassVar = UNSUPPORTED
    others: ClassVar = KNOWN
    without_effect: ClassVar = WITHOUT_EFFECT - {"prediction"}
    nested: ClassVar = {
        "messages": ChatMessage,
        **GenerationFields.nested,
        "tools": ToolBody,
        "prediction": PredictionField,
    }
    rules: ClassVar[Rules] = (
        either(fields(top_logprobs=NULL), fields(["logprobs"], logprobs={"const": True})),
        either(fields(tools=NO_ITEMS), no_gbnf()),
    )

    messages: list[ChatMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    max_completion_tokens: Annotated[int | None, InRange(MAX_TOKENS)] = None
    logprobs: bool = False
    top_logprobs: Annotated[int | None, InRange(SAMPLING_RANGES["top_logprobs"])] = None
    system_prompt: str | None = None
    rag_context: str | None = None
    prediction: PredictionField | None = None
    continue_final_message: bool | None = None
    add_generation_prompt: bool = True

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.top_logprobs is not None and not self.logprobs:
            raise refused("needs logprobs: true", "top_logprobs")
        if self.tools and self.wanted.grammar is not None and self.wanted.grammar.kind == "gbnf":
            raise refused("cannot be combined with tools", self.wanted.field)
        check_results(self.messages)
        self._check_continuation()
        return self

    def _check_continuation(self) -> None:
        """Only a message of the assistant can go on."""
        last = self.messages[-1]
        can_go_on = last.role == "assistant" and not last.tool_calls
        if self.continue_final_message and not can_go_on:
            what = "the last message must be from the assistant and contain no tool calls"
            raise refused(what, "continue_final_message")
        if not self.add_generation_prompt and not can_go_on:
            what = "false requires the last message to be from the assistant"
            raise refused(what, "add_generation_prompt")
        if not self.add_generation_prompt and self.continue_final_message is False:
            what = "cannot be false together with continue_final_message"
            raise refused(what, "add_generation_prompt")

    @property
    def continues(self) -> bool:
        """Whether the answer goes on with the last message, as it does unless told otherwise."""
        last = self.messages[-1]
        can_go_on = last.role == "assistant" and not last.tool_calls
        return can_go_on and self.continue_final_message is not False

    def caller_names(self, values: Mapping[str, Any]) -> CallerNames:
        """What errors call the fields of this body."""
        places, kinds = known_places(values.get("tools")), [tool.type for tool in self.tools]
        return CallerNames(
            self.field_names, lambda index, rest: chat_tool(places[index], rest, kinds[index])
        )

    def call(self) -> ChatCall:
        """The protocol-neutral request."""
        top_logprobs = (self.top_logprobs or 0) if self.logprobs else None
        return replace(
            self.generation(max_tokens=self._limit(), top_logprobs=top_logprobs),
            messages=tuple(message.message() for message in self.messages),
            system_prompt=self.system_prompt,
            rag_context=self.rag_context,
            prediction=self.prediction.content if self.prediction else "",
            wishes=self._wishes(),
            template_arguments=self.chat_template_kwargs,
            continues=self.continues,
        )

    def _wishes(self) -> Wishes:
        return Wishes(
            tools=tuple(tool.tool() for tool in self.tools),
            tool_choice=self.tool_choice.word,
            allowed=self.tool_choice.allowed_names,
            parallel=self.parallel_tool_calls,
            strict=frozenset(tool.name for tool in self.tools if tool.is_strict),
            thinks=self.thinks,
            effort=self.effort,
            thinking_budget=self.budget,
        )

    def _limit(self) -> int | None:
        """The first of OpenAI's two names and llama.cpp's. None, the default, for -1."""
        limits = (self.max_completion_tokens, self.max_tokens, self.n_predict)
        return next((limit for limit in limits if limit is not None and limit >= 0), None)


ChatBody.model_rebuild()  # now, not when the first request waits for it
