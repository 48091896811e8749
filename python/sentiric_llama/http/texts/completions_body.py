# SPDX-License-Identifier: AGPL-3.0-only
"""The body of `/v1/completions`, and the call that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, model_validator

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http.openai import ChatRequest
from sentiric_llama.http.schema_rules import NULL, Rules, either, fields
from sentiric_llama.http.schemas.body import CheckedBy, InRange, refused
from sentiric_llama.http.schemas.generation import GenerationFields
from sentiric_llama.http.texts.inputs import Input, parse_inputs, schema_of
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.prompt.caller_names import CallerNames
from sentiric_llama.service.request_fields import KNOWN
from sentiric_llama.types.ranges import NumberRange, out_of_range

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


_EXAMPLE: dict[str, Any] = {"prompt": "The HTTP API listens on", "max_tokens": 8}


class CompletionsBody(GenerationFields):
    """Texts or token ids to go on with. Control tokens in a text count as such.

    At most one field may constrain the answer.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "required": ["prompt"],
            "examples": [_EXAMPLE],
        }
    )
    others: ClassVar = KNOWN
    rules: ClassVar[Rules] = (
        either(
            fields(suffix={"enum": ["", None]}),
            fields(echo={"enum": [False, None]}),
            fields(logprobs=NULL),
        ),
    )

    prompt: Annotated[list[Input], CheckedBy(parse_prompts, schema_of(MAX_PROMPTS))]
    suffix: str = ""
    echo: bool = False
    logprobs: Annotated[int | None, InRange(_LOGPROBS)] = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.suffix and self.echo and self.logprobs is not None:
            what = "has no log-probabilities of the prompt; leave echo or logprobs out"
            raise refused(what, "suffix")
        return self

    def call(self) -> ChatCall:
        """The protocol-neutral request."""
        return replace(
            self.generation(max_tokens=self._limit(), top_logprobs=self.logprobs),
            prompts=tuple(p if isinstance(p, str) else tuple(p) for p in self.prompt),
            suffix=self.suffix,
            prompt_logprobs=self.logprobs if self.echo else None,
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

    def blame(self, error: SentiricLlamaError) -> SentiricLlamaError:
        """The error; one about log-probabilities of the prompt names the field that asked."""
        if error.where == "prompt_logprobs":
            return type(error)(error.what, where="logprobs")
        return ChatRequest.blame(self, error)


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
        names=CallerNames(body.field_names),
        echoed=body.prompt if body.echo else (),
    )


CompletionsBody.model_rebuild()
