# SPDX-License-Identifier: AGPL-3.0-only
"""The fields of OpenAI's chat and completions that do not depend on what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from sentiric_llama.http.schemas.body import Body, CheckedBy, InRange
from sentiric_llama.http.schemas.grammar import GrammarFields, ResponseFormat
from sentiric_llama.http.schemas.sampling import SamplingFields
from sentiric_llama.http.schemas.tokens import token_ids
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.prompt.caller_names import HTTP_NAMES
from sentiric_llama.service.request_fields import WITHOUT_EFFECT
from sentiric_llama.types import Priority, Truncation
from sentiric_llama.types.ranges import (
    CHOICES,
    INT32_MAX,
    MAX_ALLOWED_TOKENS,
    MAX_BAD_TEXTS,
    MAX_STOP_BYTES,
    MAX_STOP_STRINGS,
    MAX_STOP_TOKENS,
    MAX_TOKENS,
    MIN_TOKENS,
    REPETITION_LIMIT,
    out_of_range,
    parse_bad_words,
    parse_stop,
)

_TEXT = {"type": "string", "minLength": 1, "maxLength": MAX_STOP_BYTES}
STOP_SCHEMA = {
    "anyOf": [
        {"type": "string", "maxLength": MAX_STOP_BYTES},
        {"type": "array", "items": _TEXT, "maxItems": MAX_STOP_STRINGS},
    ]
}
_WORDS = {"type": "array", "items": _TEXT, "maxItems": MAX_BAD_TEXTS}


def _ids(most: int) -> CheckedBy:
    """A list of at most so many token ids."""
    items = {"type": "integer", "minimum": 0, "maximum": INT32_MAX}

    def check(values: Any) -> tuple[int, ...]:
        if isinstance(values, list) and len(values) > most:
            raise out_of_range("", values, f"at most {most} ids")
        return tuple(token_ids(values))

    return CheckedBy(check, {"type": "array", "items": items, "maxItems": most})


class StreamOptions(Body):
    """OpenAI's `stream_options`."""

    include_usage: bool = False


class TokenFields(Body):
    """Which tokens may come, and by which adapter. Rules about single tokens have vLLM's names."""

    ignore_eos: bool = False
    min_tokens: Annotated[int, InRange(MIN_TOKENS)] = 0
    stop_token_ids: Annotated[tuple[int, ...], _ids(MAX_STOP_TOKENS)] = ()
    allowed_token_ids: Annotated[tuple[int, ...], _ids(MAX_ALLOWED_TOKENS)] = ()
    bad_words: Annotated[tuple[str, ...], CheckedBy(parse_bad_words, _WORDS)] = ()
    repetition_limit: Annotated[int | None, InRange(REPETITION_LIMIT)] = None
    lora_adapter: str | None = None
    lora_adapter_id: str | None = None

    def token_rules(self) -> dict[str, Any]:
        """The fields of ChatCall."""
        return {
            "lora_adapter": self.lora_adapter or self.lora_adapter_id,
            "min_tokens": self.min_tokens,
            "stop_tokens": self.stop_token_ids,
            "bad_words": self.bad_words,
            "repetition_limit": self.repetition_limit,
            "ignore_eos": self.ignore_eos,
        }

    def allowed_tokens(self) -> dict[str, Any]:
        """The field of `SamplingParams`, if it was sent."""
        return {"allowed_tokens": self.allowed_token_ids} if self.allowed_token_ids else {}

    @property
    def field_names(self) -> Mapping[str, str]:
        """The engine's names -> those that the caller has used."""
        is_short = self.lora_adapter or not self.lora_adapter_id
        return HTTP_NAMES if is_short else {**HTTP_NAMES, "lora_adapter": "lora_adapter_id"}


class GenerationFields(SamplingFields, TokenFields, GrammarFields):
    """All optional."""

    without_effect: ClassVar = WITHOUT_EFFECT
    nested: ClassVar = {"stream_options": StreamOptions, "response_format": ResponseFormat}

    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    n: Annotated[int, InRange(CHOICES)] = 1
    max_tokens: Annotated[int | None, InRange(MAX_TOKENS)] = None
    n_predict: Annotated[int | None, InRange(MAX_TOKENS)] = None
    stop: Annotated[tuple[str, ...], CheckedBy(parse_stop, STOP_SCHEMA)] = ()
    return_tokens: bool = False
    truncation: Truncation | None = None
    priority: Priority = "normal"

    def generation(self, *, max_tokens: int | None, top_logprobs: int | None) -> ChatCall:
        """The protocol-neutral request, without what is to be answered.

        `max_tokens` is None for the server's default, `top_logprobs` for no log-probabilities.
        """
        sampling = self.sampling()
        if top_logprobs is not None:
            sampling["top_logprobs"] = top_logprobs
        sampling |= self.allowed_tokens()
        return ChatCall(
            model=self.model,
            sampling=sampling,
            max_tokens=max_tokens,
            stop=self.stop,
            grammar=self.wanted.grammar,
            grammar_field=self.wanted.field,
            truncation=self.truncation,
            priority=self.priority,
            n=self.n,
            **self.token_rules(),
        )
