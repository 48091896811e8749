# SPDX-License-Identifier: AGPL-3.0-only
"""The body of `/v1/chat/completions`: fields of OpenAI's API, of llama.cpp, and our own."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from sentiric_llama.http.schemas.body import Body, CheckedBy, InRange, refused
from sentiric_llama.http.schemas.grammar import GrammarFields, ResponseFormat
from sentiric_llama.http.schemas.message import ChatMessage, check_results
from sentiric_llama.http.schemas.reasoning import ReasoningFields
from sentiric_llama.http.schemas.sampling import SamplingFields
from sentiric_llama.http.schemas.token_rules import TokenRules
from sentiric_llama.http.schemas.tools import ToolBody, ToolFields
from sentiric_llama.service.chat_call import MAX_MESSAGES, ChatCall
from sentiric_llama.service.request_fields import UNSUPPORTED, WITHOUT_EFFECT
from sentiric_llama.types import Priority, Truncation
from sentiric_llama.types.ranges import CHOICES, MAX_TOKENS, SAMPLING_RANGES, parse_stop
from sentiric_llama.types.wishes import Wishes

STOP_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "maxItems": 8},
    ]
}


class StreamOptions(Body):
    """OpenAI's `stream_options`."""

    include_usage: bool = False


class ChatBody(SamplingFields, GrammarFields, ToolFields, ReasoningFields, TokenRules):
    """A chat request."""

    unsupported: ClassVar = UNSUPPORTED
    without_effect: ClassVar = WITHOUT_EFFECT
    nested: ClassVar = {
        "messages": ChatMessage,
        "stream_options": StreamOptions,
        "response_format": ResponseFormat,
        "tools": ToolBody,
    }

    messages: list[ChatMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    n: Annotated[int, InRange(CHOICES)] = 1
    max_tokens: Annotated[int | None, InRange(MAX_TOKENS)] = None
    max_completion_tokens: Annotated[int | None, InRange(MAX_TOKENS)] = None
    n_predict: Annotated[int | None, InRange(MAX_TOKENS)] = None
    stop: Annotated[tuple[str, ...], CheckedBy(parse_stop, STOP_SCHEMA)] = ()
    ignore_eos: bool = False
    logprobs: bool = False
    top_logprobs: Annotated[int | None, InRange(SAMPLING_RANGES["top_logprobs"])] = None
    truncation: Truncation | None = None
    priority: Priority = "normal"
    system_prompt: str | None = None
    rag_context: str | None = None
    lora_adapter: str | None = None
    lora_adapter_id: str | None = None
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
            what = "the last message must be one of the assistant, without calls"
            raise refused(what, "continue_final_message")
        if not self.add_generation_prompt and not can_go_on:
            what = "without it, the last message must be one of the assistant"
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

    def call(self) -> ChatCall:
        """The protocol-neutral request."""
        sampling = self.sampling()
        if self.logprobs:
            sampling["top_logprobs"] = self.top_logprobs or 0
        if self.allowed_token_ids:
            sampling["allowed_tokens"] = self.allowed_token_ids
        return ChatCall(
            messages=tuple(message.message() for message in self.messages),
            model=self.model,
            system_prompt=self.system_prompt,
            rag_context=self.rag_context,
            lora_adapter=self.lora_adapter or self.lora_adapter_id,
            sampling=sampling,
            max_tokens=self._limit(),
            stop=self.stop,
            min_tokens=self.min_tokens,
            stop_tokens=self.stop_token_ids,
            bad_words=self.bad_words,
            repetition_limit=self.repetition_limit,
            grammar=self.wanted.grammar,
            grammar_field=self.wanted.field,
            ignore_eos=self.ignore_eos,
            truncation=self.truncation,
            priority=self.priority,
            n=self.n,
            wishes=self._wishes(),
            template_arguments=self.chat_template_kwargs,
            continues=self.continues,
        )

    def _wishes(self) -> Wishes:
        return Wishes(
            tools=tuple(tool.tool() for tool in self.tools),
            tool_choice=self.tool_choice,
            parallel=self.parallel_tool_calls,
            strict=frozenset(t.function.name for t in self.tools if t.function.strict),
            thinks=self.thinks,
            effort=self.effort,
            thinking_budget=self.budget,
        )

    def _limit(self) -> int | None:
        """The first of OpenAI's two names and llama.cpp's. None, the default, for -1."""
        limits = (self.max_completion_tokens, self.max_tokens, self.n_predict)
        return next((limit for limit in limits if limit is not None and limit >= 0), None)


ChatBody.model_rebuild()  # now, not when the first request waits for it
