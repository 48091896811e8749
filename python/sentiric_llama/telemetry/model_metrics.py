# SPDX-License-Identifier: AGPL-3.0-only
"""The counters of one model's requests. Plain numbers, for one event loop."""

from __future__ import annotations

from collections import Counter

from sentiric_llama.telemetry.histogram import TOKEN_BOUNDS_S, WAIT_BOUNDS_S, Histogram
from sentiric_llama.telemetry.timing_totals import TimingTotals


class ModelMetrics:
    """Counts the requests that one model answered or refused."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, str]] = Counter()
        """(protocol, endpoint, outcome) -> ended requests."""
        self.errors: Counter[tuple[str, str]] = Counter()
        """(protocol, error code) -> failed or refused requests."""
        self.finish_reasons: Counter[str] = Counter()
        self.latency: dict[tuple[str, str], Histogram] = {}
        """(protocol, endpoint) -> durations of the requests that reached the service."""
        self.first_token = Histogram(WAIT_BOUNDS_S)
        self.between_tokens = Histogram(TOKEN_BOUNDS_S)
        self.queue = Histogram(WAIT_BOUNDS_S)
        self.prefill = Histogram(WAIT_BOUNDS_S)
        self.tokens_generated = 0
        self.truncated: Counter[str] = Counter()
        """"dropped" or "shifted" -> requests whose conversation did not fit."""
        self.truncated_tokens: Counter[str] = Counter()
        self.finished = TimingTotals()

    def include(self, other: ModelMetrics) -> None:
        """Adds the counters of another model."""
        for name in ("requests", "errors", "finish_reasons", "truncated", "truncated_tokens"):
            getattr(self, name).update(getattr(other, name))
        for name in ("first_token", "between_tokens", "queue", "prefill", "finished"):
            getattr(self, name).include(getattr(other, name))
        for key, values in other.latency.items():
            self.latency.setdefault(key, Histogram(WAIT_BOUNDS_S)).include(values)
        self.tokens_generated += other.tokens_generated
