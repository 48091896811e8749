# SPDX-License-Identifier: AGPL-3.0-only
"""The responses of `/v1/chat/completions`: OpenAI's format, with llama.cpp's `timings`."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sentiric_llama.host.product import version
from sentiric_llama.service.chat_result import ChatResult
from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta
from sentiric_llama.types import ChosenLogprob, Timings, TokenLogprob, TruncationReport, Usage

_LOWEST_LOGPROB = -9999.0  # OpenAI's value for a very unlikely token; JSON has no -inf


class Envelope:
    """Builds a response, or its chunks, which share an id and other fields."""

    def __init__(self, model: str, notice: str = "") -> None:
        self.notice = notice
        self._base: dict[str, Any] = {
            "id": f"chatcmpl-{secrets.token_hex(16)}",
            "object": "",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": f"sentiric-llama-{version()}",
        }

    def unary(self, result: ChatResult, *, logprobs: bool) -> dict[str, Any]:
        """A complete response."""
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": choice.text, "refusal": None},
                "logprobs": logprobs_json(choice.logprobs) if logprobs else None,
                "finish_reason": choice.finish_reason,
                **_unfinished(choice.unfinished),
            }
            for index, choice in enumerate(result.choices)
        ]
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

    def step(self, item: ChoiceDelta, *, logprobs: bool) -> list[dict[str, Any]]:
        """The chunks of one delta: one for its text, if any, and one for the end of the choice."""
        chunks = []
        delta = item.delta
        has_logprobs = logprobs and bool(delta.logprobs)
        if delta.text or has_logprobs:
            chunk = self._chunk(item.index, {"content": delta.text})
            if has_logprobs:
                chunk["choices"][0]["logprobs"] = logprobs_json(delta.logprobs)
            chunks.append(chunk)
        if delta.final is not None:
            chunk = self._chunk(item.index, {}, delta.final.finish_reason)
            chunk["choices"][0] |= _unfinished(delta.final.unfinished)
            chunks.append(chunk)
        return chunks

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


def _unfinished(unfinished: bool) -> dict[str, bool]:
    """Said of a text that its grammar would have continued."""
    return {"unfinished": True} if unfinished else {}


def usage_json(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
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
    content = [
        _token_json(item.chosen) | {"top_logprobs": [_token_json(token) for token in item.top]}
        for item in logprobs
    ]
    return {"content": content, "refusal": None}


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
