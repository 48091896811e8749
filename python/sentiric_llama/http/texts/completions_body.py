# SPDX-License-Identifier: AGPL-3.0-only
"""The body of `/v1/completions`, and the call that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, model_validator

from sentiric_llama.http.openai import ChatRequest
from sentiric_llama.http.schemas.body import CheckedBy, InRange, refused
from sentiric_llama.http.schemas.chat import STOP_SCHEMA, StreamOptions
from sentiric_llama.http.schemas.grammar import GrammarFields, ResponseFormat
from sentiric_llama.http.schemas.sampling import SamplingFields
from sentiric_llama.http.schemas.token_rules import TokenRules
from sentiric_llama.http.texts.inputs import SCHEMA, Input, parse_inputs
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.request_fields import WITHOUT_EFFECT
from sentiric_llama.types import Priority, Truncation
from sentiric_llama.types.ranges import CHOICES, MAX_TOKENS, NumberRange, out_of_range, parse_stop

MAX_PROMPTS = 128
DEFAULT_MAX_TOKENS = 16
"""As in OpenAI's API."""

_LOGPROBS = NumberRange("logprobs", 0, 20, integer=True)


def parse_prompts(value: Any) -> list[Input]:
    """The prompts, not more than there may be."""
    prompts = parse_inputs(value)
    if len(prompts) > MAX_PROMPTS:
        raise out_of_range("prompt", prompts, f"at most {MAX_PROMPTS} prompts")
    if any(not prompt for prompt in prompts):
        raise refused("must not be empty")
    return prompts


class CompletionsBody(SamplingFields, GrammarFields, TokenRules):
    """Texts or token ids to go on with. Control tokens in a text count as such."""

    model_config = ConfigDict(json_schema_extra={"required": ["prompt"]})
    unsupported: ClassVar = {"suffix": ("",), "best_of": (1,)}
    without_effect: ClassVar = WITHOUT_EFFECT
    nested: ClassVar = {"stream_options": StreamOptions, "response_format": ResponseFormat}

    prompt: Annotated[list[Input], CheckedBy(parse_prompts, SCHEMA)]
    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    n: Annotated[int, InRange(CHOICES)] = 1
    max_tokens: Annotated[int | None, InRange(MAX_TOKENS)] = None
    n_predict: Annotated[int | None, InRange(MAX_TOKENS)] = None
    echo: bool = False
    logprobs: Annotated[int | None, InRange(_LOGPROBS)] = None
    stop: Annotated[tuple[str, ...], CheckedBy(parse_stop, STOP_SCHEMA)] = ()
    ignore_eos: bool = False
    truncation: Truncation | None = None
    priority: Priority = "normal"
    lora_adapter: str | None = None
    lora_adapter_id: str | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.echo and self.logprobs is not None:
            what = "log-probabilities of the prompt are not supported; leave echo or logprobs out"
            raise refused(what, "logprobs")
        return self

    def call(self) -> ChatCall:
        """The protocol-neutral request."""
        sampling = self.sampling()
        if self.logprobs is not None:
            sampling["top_logprobs"] = self.logprobs
        if self.allowed_token_ids:
            sampling["allowed_tokens"] = self.allowed_token_ids
        return ChatCall(
            prompts=tuple(p if isinstance(p, str) else tuple(p) for p in self.prompt),
            model=self.model,
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
        )

    def _limit(self) -> int | None:
        """None, the server's default, for -1."""
        given = [limit for limit in (self.max_tokens, self.n_predict) if limit is not None]
        limit = given[0] if given else DEFAULT_MAX_TOKENS
        return limit if limit >= 0 else None


@dataclass(frozen=True, slots=True)
class CompletionsRequest(ChatRequest):
    """The call, and how its answer begins."""

    echoed: Sequence[Input] = ()
    """The prompts, if the texts begin with them."""


def parse_completions(values: dict[str, Any], *, strict: bool = False) -> CompletionsRequest:
    """The validated request. Raises InvalidArgument with the field in `where`."""
    body, headers = CompletionsBody.read(values, strict=strict)
    return CompletionsRequest(
        call=body.call(),
        stream=body.stream,
        include_usage=body.stream_options.include_usage,
        logprobs=body.logprobs is not None,
        return_tokens=body.return_tokens,
        headers=headers,
        echoed=body.prompt if body.echo else (),
    )


CompletionsBody.model_rebuild()
