# SPDX-License-Identifier: AGPL-3.0-only
"""The choices of one chat call, generated side by side and read as one stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.engine.stream import WINDOW, Arrival, AsyncStream
from sentiric_llama.errors import Cancelled, InternalError, SentiricLlamaError, Unavailable
from sentiric_llama.telemetry.request_metrics import Call, RequestMetrics, TokenClock
from sentiric_llama.types import (
    Completion,
    Delta,
    Final,
    Request,
    Timings,
    TruncationReport,
    Usage,
)

# Bytes that drive terminals and break logs; tab, newline and carriage return are text.
_CONTROL = {code: None for code in (*range(32), 127) if code not in (9, 10, 13)}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChoiceDelta:
    """A step of one choice; the text has no control characters."""

    index: int
    delta: Delta


class _Choice(NamedTuple):
    number: int
    stream: AsyncStream
    clock: TokenClock


class ChatStream:
    """Reads the deltas of all choices. Owned by `LlamaService.open_chat`, which closes it."""

    def __init__(
        self,
        engine: AsyncEngineProtocol,
        requests: Sequence[Request],
        notice: str,
        request_metrics: RequestMetrics,
        call: Call,
    ) -> None:
        self.model = call.model
        self.notice = notice
        self.num_choices = len(requests)
        self.finals: dict[int, Final] = {}
        self.truncations: dict[int, TruncationReport] = {}
        self.texts: dict[int, list[str]] | None = None
        """Set it to have kept what each choice said."""
        self._request_metrics = request_metrics
        self._call = call
        self._failure: SentiricLlamaError | None = None
        self._bell = asyncio.Event()
        self._choices = [
            _Choice(index, engine.submit(request, self._bell), TokenClock(request_metrics, call))
            for index, request in enumerate(requests)
        ]

    async def open(self) -> None:
        """Submits all choices. Raises what the engine refuses one of them with."""
        for choice in self._choices:
            try:
                await choice.stream.open()
            except Exception as error:
                self._failure = _typed(error)
                raise self._failure from None

    @property
    def done(self) -> bool:
        """True when every choice has given its last delta."""
        return len(self.finals) == self.num_choices

    @property
    def usage(self) -> Usage:
        """Tokens so far: the prompt counted once, as OpenAI does, the answers added up."""
        finals = list(self.finals.values())
        return Usage(
            prompt_tokens=max((f.usage.prompt_tokens for f in finals), default=0),
            completion_tokens=sum(f.usage.completion_tokens for f in finals),
            cached_tokens=min((f.usage.cached_tokens for f in finals), default=0),
        )

    @property
    def timings(self) -> Timings:
        """Work of all choices added up; waiting times are the longest."""
        return sum_timings([final.timings for final in self.finals.values()])

    @property
    def truncation(self) -> TruncationReport:
        """What was left out so far; choices share a prompt, so its losses count once."""
        reports = list(self.truncations.values())
        return TruncationReport(
            dropped_turns=max((r.dropped_turns for r in reports), default=0),
            dropped_tokens=max((r.dropped_tokens for r in reports), default=0),
            shifted_tokens=sum(r.shifted_tokens for r in reports),
        )

    def log_fields(self) -> dict[str, Any]:
        """Counts and times of this call for a line of the log, also when it was cut off."""
        timings, usage = self.timings, self.usage
        finish = sorted({final.finish_reason for final in self.finals.values()})
        return {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": self._call.tokens,
            "cached_tokens": usage.cached_tokens,
            "finish_reason": ",".join(finish),
            "queue_ms": round(timings.queue_ms, 1),
            "prefill_ms": round(timings.prompt_ms, 1),
            "ttft_ms": round(1e3 * (self._call.ttft_s or 0.0), 1),
            "tokens_per_s": round(timings.predicted_per_second, 1),
            "elapsed_ms": round(1e3 * self._call.seconds, 1),
        }

    async def read(self, timeout_s: float | None = None) -> list[ChoiceDelta]:
        """All deltas that are there, at least one; empty when `timeout_s` passes or all is done.

        Raises the error of the first choice that failed, after the deltas before it.
        """
        if not self._has_news and not self.done:  # else no timer is needed
            try:
                async with asyncio.timeout(timeout_s):
                    await self._news()
            except TimeoutError:
                return []
        return self._take()

    def end(self, error: SentiricLlamaError) -> None:
        """Stops all choices now; the reader gets `error` instead of what it did not read yet."""
        self._failure = self._failure or error
        for choice in self._choices:
            choice.stream.close()
        self._bell.set()

    async def aclose(self) -> None:
        """Stops what still runs and settles the record of the call."""
        for choice in self._choices:
            choice.stream.close()
        for choice in self._choices:
            await choice.stream.aclose()
        self._call.is_complete = self.done
        self._call.usage, self._call.truncation = self.usage, self.truncation
        if self._failure is not None:
            self._call.note_failure(self._failure)

    @property
    def _has_news(self) -> bool:
        return self._failure is not None or any(c.stream.has_news for c in self._choices)

    async def _news(self) -> None:
        """The bell may ring for what was taken already."""
        while not self._has_news:
            self._bell.clear()
            await self._bell.wait()

    def _take(self) -> list[ChoiceDelta]:
        """What is there. Raises the failure when nothing stands before it."""
        deltas: list[ChoiceDelta] = []
        for choice in self._choices:
            if self._failure is not None:
                break
            if choice.stream.is_over:
                continue
            try:
                arrivals = choice.stream.take()
                deltas += [self._note(choice, arrival) for arrival in arrivals]
                if sum(len(arrival.delta.tokens) for arrival in arrivals) >= WINDOW // 2:
                    choice.clock.resume()
            except Exception as error:
                self._failure = _typed(error)
        if self._failure is not None and not deltas:
            raise self._failure
        return deltas

    def _note(self, choice: _Choice, arrival: Arrival) -> ChoiceDelta:
        delta = checked(arrival.delta)
        choice.clock.tick(len(delta.tokens), arrival.at)
        if self.texts is not None:
            self.texts.setdefault(choice.number, []).append(delta.text)
        self.truncations[choice.number] = delta.truncation
        if delta.final is not None:
            self.finals[choice.number] = delta.final
            self._request_metrics.note_final(self._call, delta.final)
        return ChoiceDelta(choice.number, delta)


def _typed(error: Exception) -> SentiricLlamaError:
    """What the caller is told."""
    if isinstance(error, Cancelled):
        # Nobody here cancelled it, or nobody would be reading: the engine is closing.
        return Unavailable("the model is shutting down", where="engine")
    if isinstance(error, SentiricLlamaError):
        return error
    logger.error("unexpected error", exc_info=error, extra={"event": "ENGINE_ERROR"})
    return InternalError("unexpected error", where="engine")


def checked(delta: Delta) -> Delta:
    """The delta with clean text; raises Cancelled when the engine ended it by itself."""
    if delta.final is not None and delta.final.finish_reason == "cancelled":
        raise Cancelled("the engine was closed", where="engine")
    clean = delta.text.translate(_CONTROL)
    return delta if clean == delta.text else replace(delta, text=clean)


def sum_timings(all_timings: Sequence[Timings]) -> Timings:
    """Counts and compute times added up; the longest of the waiting times."""
    return Timings(
        cache_n=sum(t.cache_n for t in all_timings),
        prompt_n=sum(t.prompt_n for t in all_timings),
        prompt_ms=sum(t.prompt_ms for t in all_timings),
        predicted_n=sum(t.predicted_n for t in all_timings),
        predicted_ms=sum(t.predicted_ms for t in all_timings),
        queue_ms=max((t.queue_ms for t in all_timings), default=0.0),
        ttft_ms=max((t.ttft_ms for t in all_timings), default=0.0),
        draft_n=sum(t.draft_n for t in all_timings),
        draft_n_accepted=sum(t.draft_n_accepted for t in all_timings),
    )


class Collector:
    """Adds deltas up to finished completions."""

    def __init__(self, num_choices: int) -> None:
        self._deltas: list[list[Delta]] = [[] for _ in range(num_choices)]

    def add(self, items: Sequence[ChoiceDelta]) -> None:
        for item in items:
            self._deltas[item.index].append(item.delta)

    def completions(self) -> tuple[Completion, ...]:
        """One per choice, in order. Call when the stream is done."""
        return tuple(map(Completion.join, self._deltas))
