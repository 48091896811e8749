# SPDX-License-Identifier: AGPL-3.0-only
"""The responses of `/v1/chat/completions`: OpenAI's format, with llama.cpp's `timings`."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sentiric_llama.host.product import version
from sentiric_llama.http.custom_tools.chat_calls import CallDeltas, call_json
from sentiric_llama.service.chat_result import ChatResult
from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta
from sentiric_llama.types import ChosenLogprob, Timings, TokenLogprob, TruncationReport, Usage
from sentiric_llama.types.answer import Answer, Kind, Piece

_LOWEST_LOGPROB = -9999.0  # OpenAI's value for a very unlikely token; JSON has no -inf


class Envelope:
    """Builds a response, or its chunks, which share an id and other fields."""

    def __init__(
        self, model: str, answer_id: str, notice: str = "", *, custom: Collection[str] = ()
    ) -> None:
        """`custom` names the custom tools: their calls have a form of their own."""
        self.notice = notice
        self._custom = custom
        self._calls = defaultdict[int, CallDeltas](lambda: CallDeltas(custom))
        """By choice."""
        self._warnings: dict[int, list[str]] = {}
        self._base: dict[str, Any] = {
            "id": f"chatcmpl-{answer_id}",
            "object": "",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": f"sentiric-llama-{version()}",
        }

    def unary(self, result: ChatResult, *, logprobs: bool, tokens: bool = False) -> dict[str, Any]:
        """A complete response; with `tokens`, each choice has the ids of all its tokens.

        Its lists of choices and of log-probabilities are iterators, made while they are written.
        """
        choices = (
            {
                "index": index,
                "message": message_json(choice.answer, self._custom),
                "logprobs": logprobs_json(choice.completion.logprobs) if logprobs else None,
                "finish_reason": choice.ending,
                **remarks(choice.completion.unfinished, choice.answer.warnings),
                **({"tokens": list(choice.completion.tokens)} if tokens else {}),
            }
            for index, choice in enumerate(result.choices)
        )
        body = self._base | {
            "object": "chat.completion",
            "choices": choices,
            "usage": usage_json(result.usage),
            "timings": timings_json(result.timings),
            "truncation": truncation_json(result.truncation),
        }
        return body | ({"notice": result.notice} if result.notice else {})

    def first(self, num_choices: int) -> list[dict[str, Any]]:
        """The first chunk of each choice, with the role."""
        delta = {"role": "assistant", "content": ""}
        chunks = [self._chunk(index, delta) for index in range(num_choices)]
        if self.notice:
            chunks[0]["notice"] = self.notice
        return chunks

    def step(
        self, item: ChoiceDelta, *, logprobs: bool, tokens: bool = False
    ) -> list[dict[str, Any]]:
        """The chunks of one delta: one for each piece, and one for the end of the choice."""
        changes = [change for piece in item.pieces for change in self._changes(item.index, piece)]
        if item.delta.final is not None:
            changes += _calls(self._calls[item.index].end())
        has_logprobs = logprobs and bool(item.delta.logprobs)
        has_tokens = tokens and bool(item.delta.tokens)
        if (has_logprobs or has_tokens) and not changes:
            changes = [{"content": ""}]
        chunks = [self._chunk(item.index, change) for change in changes]
        if has_logprobs:
            chunks[0]["choices"][0]["logprobs"] = logprobs_json(item.delta.logprobs)
        if has_tokens:
            chunks[0]["choices"][0]["tokens"] = list(item.delta.tokens)
        if item.delta.final is not None:
            chunk = self._chunk(item.index, {}, item.ending)
            warnings = self._warnings.get(item.index, [])
            chunk["choices"][0] |= remarks(item.delta.final.unfinished, warnings)
            chunks.append(chunk)
        return chunks

    def _changes(self, index: int, piece: Piece) -> list[dict[str, Any]]:
        """What a piece adds to the message."""
        match piece.kind:
            case Kind.TEXT:
                return [{"content": piece.text}]
            case Kind.THOUGHT:
                return [{"reasoning_content": piece.text}]
            case Kind.MALFORMED:
                self._warnings.setdefault(index, []).append(piece.text)
                return []
            case Kind.CALL:
                return _calls(self._calls[index].begin(piece.text))
            case Kind.ARGUMENTS:
                return _calls(self._calls[index].put(piece.text))

    def last(
        self, stream: ChatStream, last: dict[str, Any], *, usage: bool
    ) -> list[dict[str, Any]]:
        """The end of the stream: `last` with the totals, or followed by a chunk with usage."""
        totals = {
            "timings": timings_json(stream.timings),
            "truncation": truncation_json(stream.truncation),
        }
        if not usage:
            return [last | totals]
        own = self._base | {"object": "chat.completion.chunk", "choices": []}
        return [last, own | {"usage": usage_json(stream.usage)} | totals]

    def _chunk(
        self, index: int, delta: dict[str, Any], finish_reason: str | None = None
    ) -> dict[str, Any]:
        choice = {
            "index": index,
            "delta": delta,
            "logprobs": None,
            "finish_reason": finish_reason,
        }
        return self._base | {"object": "chat.completion.chunk", "choices": [choice]}


def remarks(unfinished: bool, warnings: Sequence[str]) -> dict[str, Any]:
    """Said of a text that its grammar would have continued, or that holds broken calls."""
    found: dict[str, Any] = {"unfinished": True} if unfinished else {}
    return found | ({"warnings": list(warnings)} if warnings else {})


def _calls(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each part of a call adds to the message."""
    return [{"tool_calls": [part]} for part in parts]


def message_json(answer: Answer, custom: Collection[str] = ()) -> dict[str, Any]:
    """The message of an answer. Only one with calls and no text has null as content."""
    calls = [call_json(call.name, call.arguments, custom) for call in answer.calls]
    content = answer.text if answer.text or not calls else None
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
    if answer.thought:
        message["reasoning_content"] = answer.thought
    return message | ({"tool_calls": calls} if calls else {})


def usage_json(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {
            "reasoning_tokens": usage.thought_tokens,
            "accepted_prediction_tokens": usage.accepted_prediction_tokens,
            "rejected_prediction_tokens": usage.rejected_prediction_tokens,
        },
    }


def timings_json(timings: Timings) -> dict[str, Any]:
    """llama.cpp's names. Rates count the steps between tokens; no value is null or infinite."""
    steps = max(timings.predicted_n - 1, 0)
    drafts = {"draft_n": timings.draft_n, "draft_n_accepted": timings.draft_n_accepted}
    return (drafts if timings.draft_n else {}) | {
        "cache_n": timings.cache_n,
        "prompt_n": timings.prompt_n,
        "prompt_ms": _number(timings.prompt_ms),
        "prompt_per_token_ms": _ratio(timings.prompt_ms, timings.prompt_n),
        "prompt_per_second": _ratio(1e3 * timings.prompt_n, timings.prompt_ms),
        "predicted_n": timings.predicted_n,
        "predicted_ms": _number(timings.predicted_ms),
        "predicted_per_token_ms": _ratio(timings.predicted_ms, steps),
        "predicted_per_second": _ratio(1e3 * steps, timings.predicted_ms),
        "queue_ms": _number(timings.queue_ms),
        "ttft_ms": _number(timings.ttft_ms),
    }


def truncation_json(report: TruncationReport) -> dict[str, int]:
    return asdict(report)


def truncation_header(context: TruncationReport) -> dict[str, str]:
    """`x-truncated` if anything was left out."""
    text = context.summary
    return {"x-truncated": text} if text else {}


def logprobs_json(logprobs: Sequence[ChosenLogprob]) -> dict[str, Any]:
    """Its content is an iterator, as it may be long."""
    return {"content": _tokens_json(logprobs), "refusal": None}


def _tokens_json(logprobs: Sequence[ChosenLogprob]) -> Iterator[dict[str, Any]]:
    for item in logprobs:
        top = [_token_json(token) for token in item.top]
        yield _token_json(item.chosen) | {"top_logprobs": top}


def _token_json(token: TokenLogprob) -> dict[str, Any]:
    finite = math.isfinite(token.logprob)
    return {
        "token": token.piece.decode("utf-8", "replace"),
        "logprob": token.logprob if finite else _LOWEST_LOGPROB,
        "bytes": list(token.piece),
    }


def _ratio(amount: float, by: float) -> float:
    return _number(amount / by) if by > 0 else 0.0


def _number(value: float) -> float:
    return round(value, 3) if math.isfinite(value) and value > 0 else 0.0
