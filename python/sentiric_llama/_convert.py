# SPDX-License-Identifier: AGPL-3.0-only
"""Between the Python values of `types` and those of the extension module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from sentiric_llama.errors import InvalidArgument, SentiricLlamaError, make_error
from sentiric_llama.types import (
    ChosenLogprob,
    ContextReport,
    Delta,
    EngineConfig,
    Final,
    Grammar,
    Message,
    Request,
    SamplingParams,
    Timings,
    TokenLogprob,
    Usage,
)

if TYPE_CHECKING:
    from sentiric_llama import _core

_T = TypeVar("_T")

_UINT64_MAX = 2**64 - 1  # kRandomSeed
_INT32 = range(-(2**31), 2**31)


def copy_fields(source: Any, kind: type[_T]) -> _T:
    """A dataclass of `kind` filled from the equally named attributes of a native value."""
    return kind(**{f.name: getattr(source, f.name) for f in fields(kind)})  # type: ignore[arg-type]


def _assign(target: Any, name: str, value: Any) -> None:
    """Set an attribute of a native value; a wrong type or an overflow names the field."""
    try:
        setattr(target, name, value)
    except (TypeError, OverflowError) as error:
        raise InvalidArgument(
            f"wrong type or size; got {type(value).__name__}", where=name
        ) from error


def config_to_native(config: EngineConfig) -> _core.EngineConfig:
    from sentiric_llama import _core

    native = _core.EngineConfig()
    for f in fields(EngineConfig):
        _assign(native, f.name, getattr(config, f.name))
    return native


def message_pairs(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in messages]


def _sampling_to_native(sampling: SamplingParams) -> _core.SamplingParams:
    from sentiric_llama import _core

    native = _core.SamplingParams()
    special = {"seed", "logit_bias", "top_logprobs", "dry_sequence_breakers"}
    for f in fields(SamplingParams):
        if f.name not in special:
            _assign(native, f.name, getattr(sampling, f.name))
    seed = sampling.seed
    _assign(native, "seed", _UINT64_MAX if seed is None else seed % 2**64)
    _assign(native, "logit_bias", list(sampling.logit_bias.items()))
    top = sampling.top_logprobs
    _assign(native, "top_logprobs", -1 if top is None else top)
    _assign(native, "dry_sequence_breakers", list(sampling.dry_sequence_breakers))
    return native


def request_to_native(request: Request) -> _core.Request:
    from sentiric_llama import _core

    native = _core.Request()
    _assign(native, "messages", message_pairs(request.messages))
    _assign(native, "text", request.text)
    _assign(native, "tokens", list(request.tokens))
    for name in ("parse_special", "max_tokens", "ignore_eos", "shift", "deadline_ms"):
        _assign(native, name, getattr(request, name))
    _assign(native, "stop", list(request.stop))
    _assign(native, "sampling", _sampling_to_native(request.sampling))
    try:
        native.truncation = getattr(_core.Truncation, request.truncation)
        grammar = request.grammar or Grammar("none")
        native.set_grammar(getattr(_core.GrammarKind, grammar.kind), grammar.text)
    except AttributeError as error:
        raise InvalidArgument(f"unknown name; got {error.name!r}", where="request") from None
    return native


def _token_logprob(value: tuple[int, bytes, float]) -> TokenLogprob:
    return TokenLogprob(*value)


def _final(native: _core.Final) -> Final:
    timings = copy_fields(native.timings, Timings)
    usage = Usage(native.prompt_tokens, native.completion_tokens, timings.cache_n)
    reason = native.reason.name
    return Final(reason, usage, timings, native.stop_string)


def delta_of(event: _core.Event) -> Delta:
    """A native event as a Delta."""
    logprobs = tuple(
        ChosenLogprob(_token_logprob(chosen), tuple(map(_token_logprob, top)))
        for chosen, top in event.logprobs
    )
    final = event.final
    return Delta(
        text=event.text,
        tokens=tuple(event.tokens),
        logprobs=logprobs,
        context=ContextReport(*event.context),
        final=None if final is None else _final(final),
    )


def failure_of(event: _core.Event) -> SentiricLlamaError | None:
    """The exception that a failed request ends with."""
    if event.final is None or event.final.error is None:
        return None
    return make_error(*event.final.error)


def to_messages(messages: Sequence[Message | Mapping[str, str]]) -> tuple[Message, ...]:
    """Messages from dataclasses or OpenAI-style dictionaries."""
    result = []
    for i, message in enumerate(messages):
        if isinstance(message, Message):
            result.append(message)
            continue
        try:
            result.append(Message(message["role"], message["content"]))
        except (KeyError, TypeError):
            raise InvalidArgument("needs role and content", where=f"messages[{i}]") from None
    return tuple(result)
