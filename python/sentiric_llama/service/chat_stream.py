# SPDX-License-Identifier: AGPL-3.0-only
"""The choices of one chat call, generated side by side and read as one stream."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.errors import Cancelled, InternalError, SentiricLlamaError, Unavailable
from sentiric_llama.telemetry.request_metrics import Call, RequestMetrics, TokenClock
from sentiric_llama.types import (
    Completion,
    ContextReport,
    Delta,
    Final,
    Request,
    Timings,
    Usage,
)

MAX_BUFFERED = 256
"""Deltas a slow reader may be behind before the engine is no longer asked for more."""

# Bytes that drive terminals and break logs; tab, newline and carriage return are text.
_CONTROL = {code: None for code in (*range(32), 127) if code not in (9, 10, 13)}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChoiceDelta:
    """A step of one choice; the text has no control characters."""

    index: int
    delta: Delta


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
        self.contexts: dict[int, ContextReport] = {}
        self.texts: dict[int, list[str]] | None = None
        """Set it to have kept what each choice said."""
        self._request_metrics = request_metrics
        self._call = call
        self._failure: SentiricLlamaError | None = None
        self._queue: asyncio.Queue[ChoiceDelta | SentiricLlamaError] = asyncio.Queue(MAX_BUFFERED)
        self._tasks = [
            asyncio.create_task(self._produce(engine, index, request))
            for index, request in enumerate(requests)
        ]

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
    def context(self) -> ContextReport:
        """What was left out so far; choices share a prompt, so its losses count once."""
        reports = list(self.contexts.values())
        return ContextReport(
            dropped_turns=max((r.dropped_turns for r in reports), default=0),
            dropped_tokens=max((r.dropped_tokens for r in reports), default=0),
            shifted_tokens=sum(r.shifted_tokens for r in reports),
        )

    async def read(self, timeout_s: float | None = None) -> list[ChoiceDelta]:
        """All deltas that are there, at least one; empty when `timeout_s` passes or all is done.

        Raises the error of the first choice that failed, after the deltas before it.
        """
        if self._failure is not None:
            raise self._failure
        if self.done:
            return []
        items = []
        if self._queue.empty():  # else no timer is needed, and most steps come in bursts
            try:
                async with asyncio.timeout(timeout_s):
                    items.append(await self._queue.get())
            except TimeoutError:
                return []
        while not self._queue.empty():
            items.append(self._queue.get_nowait())
        deltas: list[ChoiceDelta] = []
        for item in items:
            if isinstance(item, SentiricLlamaError):
                self._failure = item
                break
            deltas.append(self._note(item))
        if self._failure is not None and not deltas:
            raise self._failure
        return deltas

    def end(self, error: SentiricLlamaError) -> None:
        """Stops all choices now; the reader gets `error` instead of what it did not read yet."""
        for task in self._tasks:
            task.cancel()
        self._failure = self._failure or error
        with contextlib.suppress(asyncio.QueueFull):  # full: then the reader does not wait
            self._queue.put_nowait(error)

    async def aclose(self) -> None:
        """Stops what still runs, waits until the engine let go of it, and settles the account."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._call.is_complete = self.done
        self._call.usage, self._call.context = self.usage, self.context
        if self._failure is not None:
            self._call.note_failure(self._failure)

    def _note(self, item: ChoiceDelta) -> ChoiceDelta:
        if self.texts is not None:
            self.texts.setdefault(item.index, []).append(item.delta.text)
        self.contexts[item.index] = item.delta.context
        if item.delta.final is not None:
            self.finals[item.index] = item.delta.final
        return item

    async def _produce(self, engine: AsyncEngineProtocol, index: int, request: Request) -> None:
        clock = TokenClock(self._request_metrics, self._call)
        try:
            async with contextlib.aclosing(engine.stream(request)) as deltas:
                async for delta in deltas:
                    clock.tick(len(delta.tokens))
                    is_held_back = self._queue.full()
                    await self._queue.put(ChoiceDelta(index, checked(delta)))
                    if is_held_back:
                        clock.resume()
                    if delta.final is not None:
                        self._request_metrics.note_final(self._call, delta.final)
                        return
            raise InternalError("the stream ended without a final event", where="engine")
        except Cancelled:
            # Nobody here cancelled it, or this task would have been: the engine is closing.
            await self._queue.put(Unavailable("the model is shutting down", where="engine"))
        except SentiricLlamaError as error:
            await self._queue.put(error)
        except Exception as error:
            logger.error("unexpected error", exc_info=error, extra={"event": "ENGINE_ERROR"})
            await self._queue.put(InternalError("unexpected error", where="engine"))


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
