# SPDX-License-Identifier: AGPL-3.0-only
"""Counts requests once, for all protocols. Metrics and statistics read these counters.

Plain numbers, for one event loop. Nothing here depends on Prometheus or holds texts of callers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from sentiric_llama.access.caller import CURRENT_CALLER, Caller
from sentiric_llama.access.limiter import Place
from sentiric_llama.errors import ErrorCode, SentiricLlamaError
from sentiric_llama.log.trace import CURRENT_TRACE, Trace
from sentiric_llama.telemetry.histogram import WAIT_BOUNDS_S, Histogram
from sentiric_llama.telemetry.key_metrics import KeyMetrics
from sentiric_llama.telemetry.model_metrics import ModelMetrics
from sentiric_llama.telemetry.timing_totals import TimingTotals
from sentiric_llama.types import Final, TruncationReport, Usage

Endpoint = Literal["chat", "tokenize", "detokenize", "embeddings"]
Outcome = Literal["ok", "cancelled", "error"]

logger = logging.getLogger(__name__)

MAX_RECENT = 1024
CERTIFICATE_EXPIRY = "llm_certificate_expiry_timestamp_seconds"
GAUGES = (CERTIFICATE_EXPIRY,)
"""Series that other parts provide. `metrics.series.EXTRA_SERIES` describes them."""


class ReaderLeft(Exception):
    """The client closed the connection before the end. Each protocol has its own subclass."""


@dataclass(slots=True)
class Call:
    """One request from arrival to end. `started` and `ended` are monotonic seconds."""

    endpoint: Endpoint
    trace: Trace = field(default_factory=CURRENT_TRACE.get)
    caller: Caller = field(default_factory=CURRENT_CALLER.get)
    started_at: float = field(default_factory=time.time)
    """Seconds since 1970."""
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    model: str = ""
    tokens: int = 0
    """Tokens generated so far, over all choices."""
    first_token: float | None = None
    is_stream: bool = False
    """The answer is read step by step, so a reader that stops early cancels the call."""
    is_complete: bool = False
    error: str = ""
    """Code of the error that ended the call; "" without one."""
    finals: list[Final] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    truncation: TruncationReport = field(default_factory=TruncationReport)
    prompt_estimate: int = 0
    """Tokens of all prompts, from the length of the texts where the engine has not counted them."""
    place: Place = field(default_factory=Place)
    """Its place among the running calls of its key, which is charged for it."""

    def note_failure(self, error: SentiricLlamaError) -> None:
        """Records the error that ended the call. Cancelling by request id does not count as one."""
        self.is_complete = False
        if error.code is not ErrorCode.CANCELLED:
            self.error = error.code.value

    @property
    def outcome(self) -> Outcome:
        """How the call ended."""
        return "error" if self.error else "ok" if self.is_complete else "cancelled"

    @property
    def tokens_used(self) -> int:
        """Tokens of prompt and answer, as far as they are known. A call that was refused used none.

        What the client did not wait for counts by the estimate.
        """
        answered = max(self.tokens, self.usage.completion_tokens)
        known = self.usage.prompt_tokens
        is_refused = bool(self.error) and not answered
        if is_refused or (self.is_complete and known):
            return answered + known
        return answered + max(known, self.prompt_estimate)

    @property
    def seconds(self) -> float:
        """Duration of the call, so far if it is still running."""
        return (self.ended or time.monotonic()) - self.started

    @property
    def ttft_s(self) -> float | None:
        """Seconds from arrival to the first token of any choice; None before it."""
        return None if self.first_token is None else self.first_token - self.started


class RequestMetrics:
    """All counters of one service, per model, and its running calls. For one event loop."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self.models: dict[str, ModelMetrics] = {}
        """Name of a served model -> its counters; "" for requests without a model."""
        self.keys = KeyMetrics()
        self.http_responses: Counter[int] = Counter()
        """HTTP status -> started responses."""
        self.switches: Counter[str] = Counter()
        """Result -> model switches."""
        self.loop_lag_s = 0.0
        """Delay of the event loop at the last beat."""
        self.recent: deque[Call] = deque(maxlen=MAX_RECENT)
        self.running: dict[int, Call] = {}
        self.on_first_token: list[Callable[[Call], None]] = []
        """Called on the event loop at the first token of each call. Must not block."""
        self.on_end: list[Callable[[Call], None]] = []
        """Called on the event loop at the end of each call. Must not block."""
        self.gauges: dict[str, Callable[[], float | None]] = {}
        """Name of a series -> its reader; see `register_gauge`."""

    def of(self, model: str) -> ModelMetrics:
        """The counters of a model, by the name it is served under, never by a caller's word."""
        found = self.models.get(model)
        if found is None:
            found = self.models[model] = ModelMetrics()
        return found

    @property
    def total(self) -> ModelMetrics:
        """The counters of all models, added up in a new object."""
        total = ModelMetrics()
        for metrics in self.models.values():
            total.include(metrics)
        return total

    def register_gauge(self, name: str, read: Callable[[], float | None]) -> None:
        """Registers a reader for one of `GAUGES`, called at each scrape; None omits the sample.

        Raises KeyError for any other name.
        """
        if name not in GAUGES:
            raise KeyError(name)
        self.gauges[name] = read

    @contextlib.contextmanager
    def open(self, endpoint: Endpoint) -> Iterator[Call]:
        """Records one request of a use case, however it ends."""
        call = Call(endpoint)
        self.running[id(call)] = call
        try:
            yield call
            call.is_complete = call.is_complete or not call.is_stream
        except SentiricLlamaError as error:
            call.note_failure(error)
            raise
        except (ReaderLeft, asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException:
            call.error = ErrorCode.INTERNAL.value
            raise
        finally:
            del self.running[id(call)]
            self._end(call)

    @contextlib.contextmanager
    def reading(self, endpoint: Endpoint) -> Iterator[None]:
        """Records a request that fails with an error code before its use case begins."""
        try:
            yield
        except Exception as error:
            if (code := getattr(error, "code", None)) is not None:
                protocol = CURRENT_TRACE.get().protocol
                self.note_refusal(protocol, endpoint, str(code))
            raise

    def note_refusal(self, protocol: str, endpoint: Endpoint, code: str, model: str = "") -> None:
        """Counts a request that was refused before its use case began."""
        metrics = self.of(model)
        metrics.requests[protocol, endpoint, "error"] += 1
        metrics.errors[protocol, code] += 1

    def note_final(self, call: Call, final: Final) -> None:
        """Counts one choice that ended."""
        call.finals.append(final)
        metrics = self.of(call.model)
        metrics.finish_reasons[final.finish_reason] += 1
        metrics.queue.add(final.timings.queue_ms / 1e3)
        metrics.prefill.add(final.timings.prompt_ms / 1e3)
        metrics.finished.add(final)

    def finished_within(self, seconds: float) -> TimingTotals:
        """Totals of the answers that ended in the last `seconds`, of the last 1024 calls."""
        since, totals = time.monotonic() - seconds, TimingTotals()
        for call in self.recent:
            if (call.ended or 0.0) >= since:
                for final in call.finals:
                    totals.add(final)
        return totals

    def _end(self, call: Call) -> None:
        call.ended = time.monotonic()
        protocol, metrics = call.trace.protocol, self.of(call.model)
        metrics.requests[protocol, call.endpoint, call.outcome] += 1
        self.keys.note_end(call.caller.owner, call.outcome)
        if call.error:
            metrics.errors[protocol, call.error] += 1
        key = (protocol, call.endpoint)
        metrics.latency.setdefault(key, Histogram(WAIT_BOUNDS_S)).add(call.seconds)
        losses = {
            "dropped": call.truncation.dropped_tokens,
            "shifted": call.truncation.shifted_tokens,
        }
        for kind, tokens in losses.items():
            if tokens:
                metrics.truncated[kind] += 1
                metrics.truncated_tokens[kind] += tokens
        self.recent.append(call)
        for listener in self.on_end:
            try:
                listener(call)
            except Exception as error:  # an observer must not end the request
                logger.error("unexpected", exc_info=error, extra={"event": "OBSERVER_FAILED"})


class TokenClock:
    """Measures the times between the tokens of one choice."""

    __slots__ = ("_call", "_last", "_metrics", "_on_first")

    def __init__(self, request_metrics: RequestMetrics, call: Call) -> None:
        self._metrics = request_metrics.of(call.model)
        self._on_first = request_metrics.on_first_token
        self._call = call
        self._last: float | None = None

    def tick(self, count: int, now: float) -> None:
        """Counts tokens that arrived at `now`. Several tokens of a step share its time equally."""
        if not count:
            return
        if self._call.first_token is None:
            self._call.first_token = now
            self._metrics.first_token.add(now - self._call.started)
            for listener in self._on_first:
                listener(self._call)
        if self._last is not None:
            self._metrics.between_tokens.add((now - self._last) / count, count)
        elif count > 1:
            self._metrics.between_tokens.add(0.0, count - 1)
        self._last = now
        self._call.tokens += count
        self._metrics.tokens_generated += count

    def resume(self) -> None:
        """Leaves out the time until now, in which the reader held the stream back."""
        self._last = None
