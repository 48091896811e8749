# SPDX-License-Identifier: AGPL-3.0-only
"""Series of the request_metrics: requests, latencies, tokens, truncations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, get_args

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from sentiric_llama.errors import ErrorCode
from sentiric_llama.host.printable import label
from sentiric_llama.service.model_switch import Result
from sentiric_llama.telemetry.histogram import Histogram
from sentiric_llama.telemetry.request_metrics import Outcome, RequestMetrics

# These samples exist from the start: a rate cannot see a counter that begins at one.
PROTOCOLS = ("http", "grpc")
OUTCOMES = get_args(Outcome)
SERVER_FAULTS = tuple(
    code.value
    for code in (
        ErrorCode.OVERLOADED,
        ErrorCode.DEADLINE_EXCEEDED,
        ErrorCode.NUMERIC,
        ErrorCode.OUT_OF_MEMORY,
        ErrorCode.UNAVAILABLE,
        ErrorCode.INTERNAL,
    )
)


def counter(
    name: str, text: str, labels: tuple[str, ...] = (), values: Mapping[Any, float] | None = None
) -> Metric:
    """A counter with one sample for each key of `values`: a label's value, or a tuple of them."""
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in (values or {}).items():
        parts = key if isinstance(key, tuple) else (key,)
        family.add_metric([label(str(part)) for part in parts], value)
    return family


def number(name: str, text: str, value: float, *, kind: str = "counter") -> Metric:
    """One number without labels."""
    if kind == "counter":
        return CounterMetricFamily(name, text, value=value)
    return GaugeMetricFamily(name, text, value=value)


def histogram(name: str, text: str, values: Histogram) -> Metric:
    family = HistogramMetricFamily(name, text)
    family.add_metric([], _buckets(values), values.total)
    return family


def request_families(request_metrics: RequestMetrics) -> Iterator[Metric]:
    """Everything that the request_metrics know, protocols told apart where that is bounded."""
    yield from _requests(request_metrics)
    yield from _latencies(request_metrics)
    yield from _tokens(request_metrics)


def _requests(request_metrics: RequestMetrics) -> Iterator[Metric]:
    yield counter(
        "llm_requests_total",
        "Requests that ended, of all protocols.",
        ("protocol", "endpoint", "outcome"),
        dict.fromkeys(product(PROTOCOLS, ("chat",), OUTCOMES), 0) | request_metrics.requests,
    )
    cancelled = dict.fromkeys(PROTOCOLS, 0)
    for (protocol, _, outcome), count in request_metrics.requests.items():
        if outcome == "cancelled":
            cancelled[protocol] = cancelled.get(protocol, 0) + count
    yield counter(
        "llm_requests_cancelled_total",
        "Requests whose caller left before the end.",
        ("protocol",),
        cancelled,
    )
    yield counter(
        "llm_request_errors_total",
        "Requests that failed or were refused, by the code that the caller saw.",
        ("protocol", "code"),
        dict.fromkeys(product(PROTOCOLS, SERVER_FAULTS), 0) | request_metrics.errors,
    )
    yield counter(
        "llm_http_responses_total",
        "HTTP responses of all routes, by status.",
        ("status",),
        request_metrics.http_responses,
    )
    yield counter(
        "llm_finish_reasons_total",
        "Answers that came to their end, by the reason.",
        ("reason",),
        {"stop": 0, "length": 0} | dict(request_metrics.finish_reasons),
    )
    yield counter(
        "llm_model_switches_total",
        "Changes of the model in the running service, by how they ended.",
        ("result",),
        dict.fromkeys(get_args(Result), 0) | request_metrics.switches,
    )
    running = len(request_metrics.running)
    yield number("llm_requests_running", "Requests in the service now.", running, kind="gauge")


def _latencies(request_metrics: RequestMetrics) -> Iterator[Metric]:
    family = HistogramMetricFamily(
        "llm_request_latency_seconds",
        "Time from a request's arrival in the service to its end.",
        labels=("protocol", "endpoint"),
    )
    for (protocol, endpoint), values in request_metrics.latency.items():
        family.add_metric([protocol, endpoint], _buckets(values), values.total)
    yield family
    yield histogram(
        "llm_time_to_first_token_seconds",
        "Time from a request's arrival to its first token.",
        request_metrics.first_token,
    )
    yield histogram(
        "llm_time_per_output_token_seconds",
        "Time between two tokens of an answer.",
        request_metrics.between_tokens,
    )
    yield histogram(
        "llm_queue_seconds", "Time that an answer waited for a context.", request_metrics.queue
    )
    yield histogram(
        "llm_prefill_seconds",
        "Time that evaluating an answer's prompt took.",
        request_metrics.prefill,
    )


def _tokens(request_metrics: RequestMetrics) -> Iterator[Metric]:
    done = request_metrics.finished
    yield number(
        "llm_tokens_generated_total",
        "Tokens generated for callers, of all protocols.",
        request_metrics.tokens_generated,
    )
    yield number(
        "llm_prompt_tokens_total", "Prompt tokens of finished answers, evaluated.", done.prompt_n
    )
    yield number(
        "llm_prompt_tokens_cached_total",
        "Prompt tokens of finished answers, taken from the cache.",
        done.cache_n,
    )
    yield counter(
        "llm_truncations_total",
        "Requests whose conversation did not fit: turns dropped, or tokens shifted out.",
        ("kind",),
        {"dropped": 0, "shifted": 0} | dict(request_metrics.truncated),
    )
    yield counter(
        "llm_truncated_tokens_total",
        "Tokens left out of conversations that did not fit.",
        ("kind",),
        {"dropped": 0, "shifted": 0} | dict(request_metrics.truncated_tokens),
    )


def _buckets(values: Histogram) -> list[tuple[str, float]]:
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip((*values.bounds, None), values.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound is None else str(float(bound)), total))
    return buckets
