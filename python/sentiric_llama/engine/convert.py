# SPDX-License-Identifier: AGPL-3.0-only
"""Converts between the dataclasses of `types` and the values of the extension module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import index
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from sentiric_llama.engine.arguments import items_of, wrong_value
from sentiric_llama.engine.prompt.conversation import native_messages, native_tools
from sentiric_llama.errors import InvalidArgument, SentiricLlamaError, make_error
from sentiric_llama.types import (
    ChosenLogprob,
    Delta,
    EngineConfig,
    Final,
    FinishReason,
    Grammar,
    Request,
    SamplingParams,
    Timings,
    TokenLogprob,
    TruncationReport,
    Usage,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sentiric_llama import _core

# Fields of a Request that need no conversion.
_PLAIN = (
    *("template_arguments", "continues"),
    *("parse_special", "max_tokens", "ignore_eos", "shift", "deadline_ms", "queue_wait_ms"),
    *("tenant", "cache_scope", "resumed", "min_tokens", "repetition_limit", "call_opening"),
)

_STEP = 16_384

_T = TypeVar("_T")
_P = ParamSpec("_P")


def copy_fields(source: Any, kind: type[_T]) -> _T:
    """Fills a dataclass of `kind` from the attributes of a native value with the same names."""
    return kind(**{f.name: getattr(source, f.name) for f in fields(kind)})  # type: ignore[arg-type]


def call(where: str, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Calls a native function. Raises InvalidArgument at `where` for arguments it cannot take."""
    try:
        return function(*args, **kwargs)
    except (TypeError, OverflowError) as error:
        raise InvalidArgument(
            "has the wrong type, a number that is too large, or lone surrogates", where=where
        ) from error


def _assign(target: Any, name: str, value: Any) -> None:
    """Sets an attribute of a native value. Raises InvalidArgument for a value that does not fit."""
    try:
        setattr(target, name, value)
    except (TypeError, OverflowError):
        raise wrong_value(name, value) from None


def token_ids(values: NDArray[np.int32]) -> list[int]:
    """A list of token ids, built in short steps so that the GIL is never held for long."""
    ids: list[int] = []
    for begin in range(0, len(values), _STEP):
        ids += values[begin : begin + _STEP].tolist()
    return ids


def config_to_native(config: EngineConfig) -> _core.EngineConfig:
    from sentiric_llama import _core

    native = _core.EngineConfig()
    for f in fields(EngineConfig):
        _assign(native, f.name, getattr(config, f.name))
    return native


def _sampling_to_native(sampling: SamplingParams) -> _core.SamplingParams:
    from sentiric_llama import _core

    native = _core.SamplingParams()
    special = {"seed", "logit_bias", "top_logprobs", "dry_sequence_breakers", "allowed_tokens"}
    for f in fields(SamplingParams):
        if f.name not in special:
            _assign(native, f.name, getattr(sampling, f.name))
    seed = sampling.seed
    draws = 2**64 - 1  # kRandomSeed
    number = draws if seed is None else min(call("seed", index, seed) % 2**64, draws - 1)
    _assign(native, "seed", number)
    biases = sampling.logit_bias
    if not isinstance(biases, Mapping):
        raise InvalidArgument(f"must be a mapping; got {type(biases).__name__}", where="logit_bias")
    _assign(native, "logit_bias", list(biases.items()))
    top = sampling.top_logprobs
    _assign(native, "top_logprobs", -1 if top is None else top)
    breakers = items_of(sampling.dry_sequence_breakers, "dry_sequence_breakers")
    _assign(native, "dry_sequence_breakers", list(breakers))
    allowed = items_of(sampling.allowed_tokens, "allowed_tokens")
    _assign(native, "allowed_tokens", list(allowed))
    return native


def request_to_native(request: Request) -> _core.Request:
    from sentiric_llama import _core

    native = _core.Request()
    _assign(native, "messages", native_messages(request.messages))
    _assign(native, "tools", native_tools(request.tools))
    _assign(native, "text", request.text)
    _assign(native, "tokens", list(items_of(request.tokens, "tokens")))
    for name in _PLAIN:
        _assign(native, name, getattr(request, name))
    _assign(native, "adapters", list(items_of(request.adapters, "adapters")))
    _assign(native, "delivered", list(items_of(request.delivered, "delivered")))
    wanted = "a string or a list of strings"
    stop = (request.stop,) if isinstance(request.stop, str) else request.stop
    _assign(native, "stop", list(items_of(stop, "stop", wanted)))
    for name in ("stop_tokens", "prediction", "shown_tokens", "call_marks"):
        _assign(native, name, list(items_of(getattr(request, name), name)))
    words = items_of(request.bad_words, "bad_words")
    _assign(native, "bad_words", [list(items_of(word, "bad_words")) for word in words])
    scored = request.prompt_logprobs
    _assign(native, "prompt_logprobs", -1 if scored is None else scored)
    if (limit := request.thinking) is not None:
        marks = limit.begin, limit.end, limit.closing
        call("thinking", native.set_thinking, *marks, limit.max_tokens, limit.is_open)
    _assign(native, "sampling", _sampling_to_native(request.sampling))
    native.truncation = _member(_core.Truncation, request.truncation, "truncation")
    native.priority = _member(_core.Priority, request.priority, "priority")
    grammar = request.grammar or Grammar("none")
    kind = _member(_core.GrammarKind, grammar.kind, "grammar")
    call("grammar", native.set_grammar, kind, grammar.text)
    return native


def _member(kind: Any, name: str, where: str) -> Any:
    """A value of a native enumeration by its name."""
    known = kind.__members__
    if name not in known:
        raise InvalidArgument(f"unknown name; allowed: {', '.join(sorted(known))}", where=where)
    return known[name]


def _token_logprob(value: tuple[int, bytes, float]) -> TokenLogprob:
    return TokenLogprob(*value)


def _logprobs(entries: tuple[Any, ...]) -> tuple[ChosenLogprob, ...]:
    return tuple(
        ChosenLogprob(_token_logprob(chosen), tuple(map(_token_logprob, top)))
        for chosen, top in entries
    )


def _final(native: _core.Final) -> Final:
    timings = copy_fields(native.timings, Timings)
    usage = Usage(native.prompt_tokens, native.completion_tokens, timings.cache_n)
    reason = cast(FinishReason, native.finish_reason.name)
    return Final(
        reason,
        usage,
        timings,
        native.stop_string,
        native.unfinished,
        native.stop_token,
        native.thought_tokens,
        native.thinking_ended,
        native.prediction_accepted,
        native.prediction_rejected,
    )


def delta_of(event: _core.Event) -> Delta:
    """A native event as a Delta."""
    final = event.final
    return Delta(
        text=event.text,
        tokens=tuple(event.tokens),
        logprobs=_logprobs(event.logprobs),
        truncation=TruncationReport(*event.truncation),
        prompt_tokens=event.prompt_tokens,
        cached_tokens=event.cached_tokens,
        prompt_logprobs=_logprobs(event.prompt_logprobs),
        final=None if final is None else _final(final),
    )


def failure_of(event: _core.Event) -> SentiricLlamaError | None:
    """The exception of a failed request; None for other events."""
    if event.final is None or event.final.error is None:
        return None
    error = make_error(*event.final.error)
    error.retry_ms = event.final.retry_ms
    return error
