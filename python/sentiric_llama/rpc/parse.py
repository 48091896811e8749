# SPDX-License-Identifier: AGPL-3.0-only
"""Validates gRPC requests and translates them into the protocol-neutral request."""

from __future__ import annotations

import functools
import json
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from google.protobuf.message import Message as Protobuf

from sentiric_llama.errors import InvalidArgument, InvalidGrammar, SentiricLlamaError
from sentiric_llama.host.off_loop import maybe_off_loop
from sentiric_llama.log.events import event
from sentiric_llama.rpc.chat.conversation import parse_template_arguments, parse_wishes, to_message
from sentiric_llama.rpc.chat.extra import allowed_ids, reasoning_wishes, token_bounds
from sentiric_llama.rpc.generated import engine_pb2, llama_pb2
from sentiric_llama.rpc.parameters import SAMPLING, read_parameters
from sentiric_llama.service.chat_call import (
    MAX_GRAMMAR_BYTES,
    MAX_MESSAGES,
    ROLES,
    ChatCall,
    grammar_limit,
)
from sentiric_llama.service.grammar_fields import Wanted, one_grammar
from sentiric_llama.types import Grammar, Message, Priority, Truncation
from sentiric_llama.types.ranges import (
    CHOICES,
    MAX_ALLOWED_TOKENS,
    MAX_STOP_TOKENS,
    MAX_TOKENS,
    MIN_TOKENS,
    PROMPT_LOGPROBS,
    REPETITION_LIMIT,
    TOKEN_ID,
    out_of_range,
    parse_bad_words,
    parse_sampling,
    parse_stop,
)
from sentiric_llama.types.request import GrammarKind

DEFAULT_PROMPT = "PROMPT_SYSTEM_DEFAULT"
"""What clients of LlamaService send to get the server's own system prompt."""

LARGE_MESSAGE = 16 * 1024

M = TypeVar("M", bound=Protobuf)
P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)

_TRUNCATIONS = ("drop_turns", "shift", "error")
_PRIORITIES = ("realtime", "normal", "batch")
"""Both in the order of the enums of engine.proto, which begin with UNSPECIFIED."""


async def parsed(request: M, parse: Callable[[M, int | None], T], deadline_ms: int | None) -> T:
    """Runs `parse`, off the event loop for a large request."""
    is_large = request.ByteSize() > LARGE_MESSAGE
    return await maybe_off_loop(is_large, refusing(parse), request, deadline_ms)


def refusing(read: Callable[P, T]) -> Callable[P, T]:
    """`read`, with values that it cannot convert as the caller's mistake, not ours.

    An error of a kind that conversions do not raise may be a defect: its place is logged, without
    its text, which may be private.
    """

    @functools.wraps(read)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(*args, **kwargs)
        except (SentiricLlamaError, MemoryError):
            raise
        except Exception as error:
            kind = type(error).__name__
            if not isinstance(error, ValueError | OverflowError | RecursionError):
                text, place = "a message could not be converted", _place_of(error)
                event(logger, "GRPC_HANDLER_ERROR", text, logging.ERROR, kind=kind, place=place)
            what = f"cannot be read ({kind}); check its values"
            raise InvalidArgument(what, where="message") from None

    return checked


def _place_of(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def parse_generate(
    request: llama_pb2.GenerateStreamRequest, deadline_ms: int | None, *, strict: bool = False
) -> ChatCall:
    """The request of GenerateStream. Raises InvalidArgument with the field in `where`."""
    return read_generate(request, deadline_ms, strict=strict)[0]


def read_generate(
    request: llama_pb2.GenerateStreamRequest, deadline_ms: int | None, *, strict: bool = False
) -> tuple[ChatCall, tuple[str, ...]]:
    """The request of GenerateStream, and the names of its parameters without effect."""
    if not request.user_prompt:
        raise InvalidArgument("must not be empty", where="user_prompt")
    params = request.params
    extra, ignored = read_parameters(params.engine_specific_params, strict=strict)
    wanted = _limited(one_grammar(extra))
    plain = _present(params, "temperature", "top_k", "top_p", "repetition_penalty", "seed")
    turns = (*request.history, llama_pb2.ConversationTurn(role="user", content=request.user_prompt))
    call = ChatCall(
        messages=parse_messages(turns, "history"),
        model=_text(extra, "model"),
        system_prompt=_system_prompt(request.system_prompt),
        rag_context=request.rag_context if request.HasField("rag_context") else None,
        lora_adapter=request.lora_adapter_id or None,
        sampling=parse_sampling({k: v for k, v in extra.items() if k in SAMPLING} | plain)
        | allowed_ids(extra),
        max_tokens=_max_tokens(params, "max_new_tokens"),
        stop=_stop(params.stop_sequences),
        grammar=wanted.grammar,
        grammar_field=wanted.field,
        ignore_eos=_flag(extra, "ignore_eos"),
        truncation=cast("Truncation | None", _word(extra, "truncation", _TRUNCATIONS)),
        priority=cast("Priority", _word(extra, "priority", _PRIORITIES) or "normal"),
        deadline_ms=deadline_ms,
        wishes=reasoning_wishes(extra),
        **token_bounds(extra),
    )
    return call, ignored


def parse_chat(request: engine_pb2.ChatRequest, deadline_ms: int | None) -> ChatCall:
    """The request of Chat. Raises InvalidArgument with the field in `where`."""
    wanted = _limited(_chat_grammar(request))
    return ChatCall(
        messages=parse_messages(request.messages, "messages"),
        model=request.model or None,
        system_prompt=request.system_prompt or None,
        rag_context=request.rag_context if request.HasField("rag_context") else None,
        lora_adapter=request.lora_adapter or None,
        sampling=parse_sampling(_sampling_of(request.sampling)) | allowed_tokens(request.sampling),
        max_tokens=_max_tokens(request, "max_tokens"),
        stop=_stop(request.stop),
        grammar=wanted.grammar,
        grammar_field=wanted.field,
        min_tokens=int(MIN_TOKENS.check(request.min_tokens)),
        stop_tokens=parse_ids("stop_tokens", request.stop_tokens, MAX_STOP_TOKENS),
        bad_words=parse_bad_words(list(request.bad_words)),
        repetition_limit=_repetition_limit(request),
        prompt_logprobs=_prompt_logprobs(request),
        prediction=request.prediction,
        ignore_eos=request.ignore_eos,
        truncation=cast("Truncation | None", _enum(request, "truncation", _TRUNCATIONS)),
        priority=cast("Priority", _enum(request, "priority", _PRIORITIES) or "normal"),
        n=int(CHOICES.check(request.n or 1)),
        wishes=parse_wishes(request),
        template_arguments=parse_template_arguments(request.template_arguments),
        continues=request.continues,
        deadline_ms=deadline_ms,
    )


def parse_messages(turns: Any, where: str) -> tuple[Message, ...]:
    """The messages, with their roles checked."""
    if not 1 <= len(turns) <= MAX_MESSAGES:
        raise out_of_range(where, list(turns), f"1..{MAX_MESSAGES} messages")
    for index, turn in enumerate(turns):
        if turn.role not in ROLES:
            raise out_of_range(f"{where}.{index}.role", turn.role, " | ".join(ROLES))
    return tuple(to_message(turn, f"{where}.{index}") for index, turn in enumerate(turns))


def _system_prompt(text: str) -> str | None:
    return None if text in ("", DEFAULT_PROMPT) else text


def _present(message: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names if message.HasField(name)}


def _max_tokens(message: Any, name: str) -> int | None:
    if not message.HasField(name):
        return None
    limit = int(MAX_TOKENS.check(getattr(message, name), name))
    return limit if limit >= 0 else None


def _repetition_limit(request: engine_pb2.ChatRequest) -> int | None:
    if not request.HasField("repetition_limit"):
        return None
    return int(REPETITION_LIMIT.check(request.repetition_limit))


def _prompt_logprobs(request: engine_pb2.ChatRequest) -> int | None:
    if not request.HasField("prompt_logprobs"):
        return None
    return int(PROMPT_LOGPROBS.check(request.prompt_logprobs))


def allowed_tokens(sampling: engine_pb2.Sampling) -> dict[str, Any]:
    """The field of `SamplingParams`, if it is set."""
    ids = parse_ids("allowed_tokens", sampling.allowed_tokens, MAX_ALLOWED_TOKENS)
    return {"allowed_tokens": ids} if ids else {}


def parse_ids(where: str, values: Sequence[int], most: int) -> tuple[int, ...]:
    """Token ids, not more than `most`."""
    if len(values) > most:
        raise out_of_range(where, list(values), f"at most {most} ids")
    return tuple(int(TOKEN_ID.check(value, where)) for value in values)


def _stop(values: Any) -> tuple[str, ...]:
    return parse_stop(list(values)) if values else ()


def _sampling_of(sampling: engine_pb2.Sampling) -> dict[str, Any]:
    """The fields that are set, under the names of `SamplingParams`."""
    found: dict[str, Any] = {field.name: value for field, value in sampling.ListFields()}
    if "logit_bias" in found:
        found["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias.items()}
    if "dry_sequence_breakers" in found:
        found["dry_sequence_breakers"] = list(sampling.dry_sequence_breakers)
    return found


def _text(extra: Mapping[str, Any], name: str) -> str | None:
    value = extra.get(name)
    if value is not None and not isinstance(value, str):
        raise out_of_range(name, value, "a string")
    return value


def _flag(extra: Mapping[str, Any], name: str) -> bool:
    value = extra.get(name)
    if value is not None and not isinstance(value, bool):
        raise out_of_range(name, value, "true | false")
    return bool(value)


def _word(extra: Mapping[str, Any], name: str, allowed: Sequence[str]) -> str | None:
    """One of the allowed words, None if not given."""
    word = _text(extra, name)
    if word is not None and word not in allowed:
        raise out_of_range(name, word, " | ".join(allowed))
    return word


def _enum(request: engine_pb2.ChatRequest, name: str, words: Sequence[str]) -> str | None:
    """The word for the number of an enum, None for 0."""
    number: int = getattr(request, name)
    if not 0 <= number <= len(words):
        raise out_of_range(name, number, f"0..{len(words)}")
    return words[number - 1] if number else None


def _chat_grammar(request: engine_pb2.ChatRequest) -> Wanted:
    kind = request.WhichOneof("grammar") or ""
    if kind == "json_object":
        return Wanted(kind, Grammar("json_object") if request.json_object else None)
    if kind in ("gbnf", "regex"):
        return Wanted(kind, Grammar(cast("GrammarKind", kind), getattr(request, kind)))
    if kind == "choices":
        texts = json.dumps(list(request.choices.texts), ensure_ascii=False)
        return Wanted(kind, Grammar("choice", texts))
    return Wanted(kind, _json_schema(request.json_schema)) if kind else Wanted()


def _json_schema(text: str) -> Grammar | None:
    if len(text.encode()) > MAX_GRAMMAR_BYTES:
        return Grammar("json_schema", text)  # refused without a look into it
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidGrammar("not valid JSON", where="json_schema") from None
    if not isinstance(schema, dict):
        raise out_of_range("json_schema", schema, "an object")
    return Grammar("json_schema", text)


def _limited(wanted: Wanted) -> Wanted:
    if wanted.grammar is not None:
        text, limit = wanted.grammar.text, grammar_limit(wanted.grammar)
        if len(text.encode()) > limit:
            raise out_of_range(wanted.field, text, f"at most {limit} bytes")
    return wanted
