# SPDX-License-Identifier: AGPL-3.0-only
"""The choices of one chat call, generated concurrently and read as one stream."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sentiric_llama.engine.chat.choice_reading import ChoiceReading
from sentiric_llama.engine.formats.reader import AnswerReader
from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.engine.stream import WINDOW, Arrival, AsyncStream
from sentiric_llama.errors import (
    Cancelled,
    InternalError,
    Overloaded,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.log.events import error_fields
from sentiric_llama.service.entrance import Entrance
from sentiric_llama.telemetry.queue_watch import QueueWatch
from sentiric_llama.telemetry.request_metrics import Call, RequestMetrics, TokenClock
from sentiric_llama.types import (
    Delta,
    Final,
    Request,
    Timings,
    TruncationReport,
    Usage,
)
from sentiric_llama.types.answer import Kind, Piece
from sentiric_llama.types.result import Ending

# Control characters steer terminals and break logs; tab, newline and carriage return may stay.
_CONTROL = {code: None for code in (*range(32), 127) if code not in (9, 10, 13)}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChoiceDelta:
    """A delta of one choice. The text has no control characters but those of a grammar."""

    index: int
    delta: Delta
    pieces: tuple[Piece, ...] = ()
    """What the text is, as far as it is certain; it may lag behind the text of the delta."""
    ending: Ending | None = None
    """With the last delta: why the choice ended."""

    def text_of(self, kind: Kind) -> str:
        """What the pieces of a kind say."""
        return "".join(piece.text for piece in self.pieces if piece.kind is kind)


@dataclass(slots=True)
class _Choice:
    number: int
    request: Request
    stream: AsyncStream
    clock: TokenClock
    reading: ChoiceReading


class ChatStream:
    """Reads the deltas of all choices. `LlamaService.open_chat` owns and closes it."""

    def __init__(
        self,
        engine: AsyncEngineProtocol,
        requests: Sequence[Request],
        readers: Sequence[AnswerReader | None],
        notice: str,
        request_metrics: RequestMetrics,
        call: Call,
        *,
        is_exact: bool = False,
        at_once: int | None = None,
        blame: Callable[[SentiricLlamaError], SentiricLlamaError] = lambda error: error,
    ) -> None:
        """`is_exact`: a grammar enforces the text, which stays as it is.

        `at_once`: how many choices the engine may have; the others wait here until some have ended.
        `blame` gives an error of the engine the place that the call has for it.
        """
        self.model = call.model
        self.notice = notice
        self.answer_id = secrets.token_hex(16)
        """Protocols put their prefix before it."""
        self.num_choices = len(requests)
        self.choices_per_prompt = len(requests)
        """More than one prompt has choices of its own, one after the other."""
        self.finals: dict[int, Final] = {}
        self.truncations: dict[int, TruncationReport] = {}
        self.unenforced: tuple[str, ...] = ()
        """Tools whose arguments no grammar can enforce."""
        self.texts: dict[int, list[str]] | None = None
        """Text of each choice so far; kept only if this is set to a dict."""
        self._prompts: list[int] = []
        """About how many tokens each prompt has."""
        self._uncounted: set[int] = set()
        """Prompts of which the engine has not said yet how many tokens they have."""
        self._is_exact = is_exact
        self._blame = blame
        self._engine = engine
        self._request_metrics = request_metrics
        self._call = call
        self._failure: SentiricLlamaError | None = None
        self._wakeup = asyncio.Event()
        self._choices = [
            _Choice(
                index,
                request,
                engine.submit(request, self._wakeup),
                TokenClock(request_metrics, call),
                ChoiceReading(reader),
            )
            for index, (request, reader) in enumerate(zip(requests, readers, strict=True))
        ]
        self._first = self._choices[:at_once]
        self._entrance = Entrance(self._choices[len(self._first) :])
        self.queue = QueueWatch([choice.stream for choice in self._first])

    def expect(self, estimates: list[int]) -> None:
        """About how many tokens each prompt has: what is charged for one that is left early."""
        self._prompts, self._uncounted = estimates, set(range(len(estimates)))
        self._call.prompt_estimate = sum(estimates)

    async def open(self) -> None:
        """Submits the choices that may begin. Raises the engine's error if it refuses one."""
        for choice in self._first:
            try:
                await choice.stream.open()
            except Exception as error:
                self._failure = self._blame(_typed(error))
                raise self._failure from None
        self._entrance.begin(self._enter, self._fail)

    async def _enter(self, choice: _Choice) -> None:
        """Waits while others fill the queue: what was computed so far is not thrown away."""
        while True:
            try:
                return await choice.stream.open()
            except Overloaded as error:
                choice.stream = self._engine.submit(choice.request, self._wakeup)
                await asyncio.sleep(error.wait_ms / 1000)

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or self._blame(_typed(error))
        self._wakeup.set()

    async def text_of(self, tokens: Sequence[int]) -> str:
        """The text of a prompt that was given as token ids, with its control tokens."""
        return await self._engine.detokenize(tokens, show_special=True)

    @property
    def done(self) -> bool:
        """True when the last delta of every choice was read."""
        return len(self.finals) == self.num_choices

    @property
    def failure(self) -> SentiricLlamaError | None:
        """The error that ended the stream, None without one."""
        return self._failure

    @property
    def has_begun(self) -> bool:
        """True when a delta was read: an error after that is no longer a refusal."""
        return bool(self.truncations)

    @property
    def phase(self) -> Literal["waiting", "answering"]:
        """Whether it has a token by now."""
        return "waiting" if self._call.first_token is None else "answering"

    @property
    def num_tokens(self) -> int:
        """Generated so far, of all choices."""
        return self._call.tokens

    @property
    def usage(self) -> Usage:
        """Tokens so far: each prompt once, as OpenAI counts it, and the answers added up."""
        prompts: dict[int, list[Usage]] = {}
        for index, final in self.finals.items():
            prompts.setdefault(index // self.choices_per_prompt, []).append(final.usage)
        return Usage(
            prompt_tokens=sum(max(u.prompt_tokens for u in each) for each in prompts.values()),
            completion_tokens=sum(f.usage.completion_tokens for f in self.finals.values()),
            cached_tokens=sum(min(u.cached_tokens for u in each) for each in prompts.values()),
            thought_tokens=sum(f.thought_tokens for f in self.finals.values()),
            accepted_prediction_tokens=sum(f.prediction_accepted for f in self.finals.values()),
            rejected_prediction_tokens=sum(f.prediction_rejected for f in self.finals.values()),
        )

    @property
    def timings(self) -> Timings:
        """The work of all choices added up, and the longest of their waiting times."""
        return sum_timings([final.timings for final in self.finals.values()])

    @property
    def truncation(self) -> TruncationReport:
        """What was left out so far. The choices share a prompt, so its losses count once."""
        reports = list(self.truncations.values())
        return TruncationReport(
            dropped_turns=max((r.dropped_turns for r in reports), default=0),
            dropped_tokens=max((r.dropped_tokens for r in reports), default=0),
            shifted_tokens=sum(r.shifted_tokens for r in reports),
        )

    def log_fields(self) -> dict[str, Any]:
        """Counts and times of this call for a log line, even if the call was cut off.

        The counts of the prompt are None before a choice has ended. With an error: code and where.
        """
        timings, usage = self.timings, self.usage if self.finals else None
        finish = {final.finish_reason for final in self.finals.values()}
        if not self.done:
            is_cancelled = self._failure is None or isinstance(self._failure, Cancelled)
            finish.add("cancelled" if is_cancelled else "error")
        return (error_fields(self._failure) if self._failure else {}) | {
            "prompt_tokens": usage.prompt_tokens if usage else None,
            "completion_tokens": self._call.tokens,
            "cached_tokens": usage.cached_tokens if usage else None,
            "finish_reason": ",".join(sorted(finish)),
            "queue_ms": round(timings.queue_ms, 1),
            "prefill_ms": round(timings.prompt_ms, 1),
            "ttft_ms": round(1e3 * (self._call.ttft_s or 0.0), 1),
            "tokens_per_s": round(timings.predicted_per_second, 1),
            "elapsed_ms": round(1e3 * self._call.seconds, 1),
        }

    async def read(self, timeout_s: float | None = None) -> list[ChoiceDelta]:
        """Waits for at least one delta and returns all; [] after `timeout_s` or at the end.

        Raises the error of the first choice that failed, after the deltas before it.
        """
        if not self._has_items and not self.done:  # else no timer is needed
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wait_for_items()
            except TimeoutError:
                return []
        return self._take()

    def end(self, error: SentiricLlamaError) -> None:
        """Stops all choices now. The reader gets `error` instead of the unread deltas.

        What has been read to its end is whole.
        """
        if self.done:
            return
        self._failure = self._failure or error
        for choice in self._choices:
            choice.stream.close()
        self._wakeup.set()

    async def aclose(self) -> None:
        """Stops running choices and completes the record of the call."""
        await self._entrance.close()
        for choice in self._choices:
            choice.stream.close()
        for choice in self._choices:
            await choice.stream.aclose()
        self._call.is_complete = self.done
        self._call.usage, self._call.truncation = self.usage, self.truncation
        if self._failure is not None:
            self._call.note_failure(self._failure)

    @property
    def _has_items(self) -> bool:
        return self._failure is not None or any(c.stream.has_items for c in self._choices)

    async def _wait_for_items(self) -> None:
        """Checks again after each wakeup, as the items may have been taken already."""
        while not self._has_items:
            self._wakeup.clear()
            if self.has_begun:
                await self._wakeup.wait()
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.queue.pause_s):
                    await self._wakeup.wait()
            self.queue.look()

    def _take(self) -> list[ChoiceDelta]:
        """Takes all unread deltas. Raises an error once no delta precedes it."""
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
                self._failure = self._blame(_typed(error))
        if self._failure is not None and not deltas:
            raise self._failure
        return deltas

    def _note(self, choice: _Choice, arrival: Arrival) -> ChoiceDelta:
        delta = arrival.delta if self._is_exact else without_controls(arrival.delta)
        pieces = choice.reading.read(arrival.delta)
        if not self._is_exact:
            pieces = _without_controls(pieces)
        choice.clock.tick(len(delta.tokens), arrival.at)
        if self.texts is not None:
            self.texts.setdefault(choice.number, []).append(delta.text)
        self.truncations[choice.number] = delta.truncation
        if delta.prompt_tokens:
            self._count_prompt(choice.number // self.choices_per_prompt, delta.prompt_tokens)
        self.queue.end()
        if delta.final is not None:
            self.finals[choice.number] = delta.final
            self._entrance.note_end()
            self._request_metrics.note_final(self._call, delta.final)
            self._settle()
        return ChoiceDelta(choice.number, delta, tuple(pieces), choice.reading.ending(delta.final))

    def _count_prompt(self, prompt: int, num_tokens: int) -> None:
        if prompt in self._uncounted:
            self._uncounted.remove(prompt)
            self._call.prompt_estimate += num_tokens - self._prompts[prompt]

    def _settle(self) -> None:
        """Charges the key and frees its place, before the last bytes of the answer are sent."""
        self._call.usage, self._call.is_complete = self.usage, self.done
        self._call.place.charge(self._call.tokens_used)
        if self.done:
            self._call.place.leave()


def _typed(error: Exception) -> SentiricLlamaError:
    """The error as the caller sees it."""
    if isinstance(error, Cancelled):
        # Only a closing engine cancels a stream that is still being read.
        return Unavailable("the model is shutting down", where="engine")
    if isinstance(error, SentiricLlamaError):
        return error
    logger.error("unexpected error", exc_info=error, extra={"event": "ENGINE_ERROR"})
    return InternalError("unexpected error", where="engine")


def without_controls(delta: Delta) -> Delta:
    """The delta without control characters in its text."""
    clean = delta.text.translate(_CONTROL)
    return delta if clean == delta.text else replace(delta, text=clean)


def _without_controls(pieces: list[Piece]) -> list[Piece]:
    """The pieces without control characters in texts and thoughts. Arguments stay as they are."""
    clean = [
        Piece(p.kind, p.text.translate(_CONTROL)) if p.kind in (Kind.TEXT, Kind.THOUGHT) else p
        for p in pieces
    ]
    return [piece for piece in clean if piece.text or piece.kind is Kind.CALL]


def sum_timings(all_timings: Sequence[Timings]) -> Timings:
    """Adds up counts and compute times; takes the longest of the waiting times."""
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
