# SPDX-License-Identifier: AGPL-3.0-only
"""Series of requests, labelled by model: outcomes, latencies, tokens, truncations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from sentiric_llama.service.models.switch import Result
from sentiric_llama.telemetry.histogram import Histogram
from sentiric_llama.telemetry.model_metrics import ModelMetrics
from sentiric_llama.telemetry.request_metrics import Outcome, RequestMetrics

# These samples exist from the start, because a rate misses a counter that appears at 1.
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
    """A counter with one sample per key of `values`: the value of one label or of several."""
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in (values or {}).items():
        parts = key if isinstance(key, tuple) else (key,)
        family.add_metric([label(str(part)) for part in parts], value)
    return family


def number(name: str, text: str, value: float, *, kind: str = "counter") -> Metric:
    """A number without labels."""
    if kind == "counter":
        return CounterMetricFamily(name, text, value=value)
    return GaugeMetricFamily(name, text, value=value)


def by_model(name: str, text: str, values: Mapping[str, float], *, kind: str = "counter") -> Metric:
    """One number per model."""
    make = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
    family = make(name, text, labels=("model",))
    for model, value in values.items():
        family.add_metric([label(model)], value)
    return family


def request_families(
    request_metrics: RequestMetrics, names: Iterable[str] = ()
) -> Iterator[Metric]:
    """All series of requests. Models called `names` have samples before their first request."""
    models = {name: ModelMetrics() for name in names} | request_metrics.models
    models = models or {"": ModelMetrics()}
    yield from _requests(models)
    yield from _latencies(models)
    yield from _tokens(models)
    yield counter(
        "llm_http_responses_total",
        "HTTP responses of all routes, by status.",
        ("status",),
        request_metrics.http_responses,
    )
    yield counter(
        "llm_model_switches_total",
        "Model switches of the running service, by result.",
        ("result",),
        dict.fromkeys(get_args(Result), 0) | request_metrics.switches,
    )
    yield counter(
        "llm_key_requests_total",
        "Finished requests that an API key sent, by its name and outcome.",
        ("key", "outcome"),
        request_metrics.keys.requests,
    )
    yield counter(
        "llm_key_refusals_total",
        "Requests refused for a limit or the models of their API key, by its name and reason.",
        ("key", "reason"),
        request_metrics.keys.refusals,
    )
    running = len(request_metrics.running)
    yield number("llm_requests_running", "Requests in the service.", running, kind="gauge")


Models = Mapping[str, ModelMetrics]


def _labelled(
    name: str,
    text: str,
    labels: tuple[str, ...],
    models: Models,
    read: Callable[[ModelMetrics], Mapping[Any, float]],
) -> Metric:
    """A counter whose last label is the model's name."""
    values = {
        (*(key if isinstance(key, tuple) else (key,)), model): value
        for model, metrics in models.items()
        for key, value in read(metrics).items()
    }
    return counter(name, text, (*labels, "model"), values)


def _requests(models: Models) -> Iterator[Metric]:
    ended = dict.fromkeys(product(PROTOCOLS, ("chat",), OUTCOMES), 0)
    yield _labelled(
        "llm_requests_total",
        "Finished requests of all protocols, by outcome.",
        ("protocol", "endpoint", "outcome"),
        models,
        lambda metrics: ended | metrics.requests,
    )
    yield _labelled(
        "llm_requests_cancelled_total",
        "Requests cancelled or left by their client before the end.",
        ("protocol",),
        models,
        _cancelled,
    )
    faults = dict.fromkeys(product(PROTOCOLS, SERVER_FAULTS), 0)
    yield _labelled(
        "llm_request_errors_total",
        "Failed and refused requests, by error code.",
        ("protocol", "code"),
        models,
        lambda metrics: faults | metrics.errors,
    )
    yield _labelled(
        "llm_finish_reasons_total",
        "Finished answers by finish reason.",
        ("reason",),
        models,
        lambda metrics: {"stop": 0, "length": 0, "repetition": 0} | dict(metrics.finish_reasons),
    )


def _cancelled(metrics: ModelMetrics) -> dict[str, float]:
    found: dict[str, float] = dict.fromkeys(PROTOCOLS, 0)
    for (protocol, _, outcome), count in metrics.requests.items():
        if outcome == "cancelled":
            found[protocol] = found.get(protocol, 0) + count
    return found


def _latencies(models: Models) -> Iterator[Metric]:
    family = HistogramMetricFamily(
        "llm_request_latency_seconds",
        "Time from a request's arrival to its end.",
        labels=("protocol", "endpoint", "model"),
    )
    for model, metrics in models.items():
        for (protocol, endpoint), values in metrics.latency.items():
            family.add_metric([protocol, endpoint, label(model)], _buckets(values), values.total)
    yield family
    for name, text, read in HISTOGRAMS:
        family = HistogramMetricFamily(name, text, labels=("model",))
        for model, metrics in models.items():
            values = read(metrics)
            family.add_metric([label(model)], _buckets(values), values.total)
        yield family


HISTOGRAMS: tuple[tuple[str, str, Callable[[ModelMetrics], Histogram]], ...] = (
    (
        "llm_time_to_first_token_seconds",
        "Time from a request's arrival to its first token.",
        lambda metrics: metrics.first_token,
    ),
    (
        "llm_time_per_output_token_seconds",
        "Time between consecutive tokens of an answer.",
        lambda metrics: metrics.between_tokens,
    ),
    (
        "llm_queue_seconds",
        "Time in the queue, waiting for a context.",
        lambda metrics: metrics.queue,
    ),
    (
        "llm_prefill_seconds",
        "Time to evaluate a prompt.",
        lambda metrics: metrics.prefill,
    ),
)


def _tokens(models: Models) -> Iterator[Metric]:
    for name, text, read in TOKENS:
        yield by_model(name, text, {model: read(metrics) for model, metrics in models.items()})
    yield _labelled(
        "llm_truncations_total",
        "Requests whose conversation did not fit the context, by what was removed.",
        ("kind",),
        models,
        lambda metrics: {"dropped": 0, "shifted": 0} | dict(metrics.truncated),
    )
    yield _labelled(
        "llm_truncated_tokens_total",
        "Tokens removed from conversations that did not fit the context.",
        ("kind",),
        models,
        lambda metrics: {"dropped": 0, "shifted": 0} | dict(metrics.truncated_tokens),
    )


TOKENS: tuple[tuple[str, str, Callable[[ModelMetrics], float]], ...] = (
    (
        "llm_tokens_generated_total",
        "Tokens generated for requests of all protocols.",
        lambda metrics: metrics.tokens_generated,
    ),
    (
        "llm_prompt_tokens_total",
        "Prompt tokens evaluated, of finished answers.",
        lambda metrics: metrics.finished.prompt_n,
    ),
    (
        "llm_prompt_tokens_cached_total",
        "Prompt tokens taken from the cache, of finished answers.",
        lambda metrics: metrics.finished.cache_n,
    ),
)


def _buckets(values: Histogram) -> list[tuple[str, float]]:
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip((*values.bounds, None), values.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound is None else str(float(bound)), total))
    return buckets
