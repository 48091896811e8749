# SPDX-License-Identifier: AGPL-3.0-only
"""OpenTelemetry spans of finished requests, with child spans for queue, prefill and decode.

Needs the extra `otel`, which is imported only if OpenTelemetry's own variables ask for traces.
Spans hold ids, names, counts and times, never texts.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from sentiric_llama.host.printable import label
from sentiric_llama.host.product import SERVICE_NAME, version
from sentiric_llama.telemetry.request_metrics import Call
from sentiric_llama.types import Timings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

MISSING = (
    "OpenTelemetry's variables ask for traces, but its packages are not installed: "
    f"pip install '{SERVICE_NAME}[otel]'"
)


def is_installed() -> bool:
    """True if the extra is installed. Imports nothing."""
    try:
        return importlib.util.find_spec("opentelemetry.sdk.trace") is not None
    except ModuleNotFoundError:
        return False


def otlp_provider() -> TracerProvider:
    """A provider that sends spans to OTEL_EXPORTER_OTLP_ENDPOINT in the background."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    names = {"service.name": SERVICE_NAME, "service.version": version()}
    provider = TracerProvider(resource=Resource.create(names))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Tracing:
    """Records spans when a call has ended, with the times that the engine measured."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(SERVICE_NAME, version())

    def record(self, call: Call) -> None:
        """Records the spans of an ended call, under the caller's span if it sent `traceparent`."""
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = call.trace.traceparent
        carrier = {"traceparent": parent} if parent else {}
        span = self._tracer.start_span(
            label(f"{call.endpoint} {call.model}".strip()),
            TraceContextTextMapPropagator().extract(carrier),
            SpanKind.SERVER,
            attributes=_attributes(call),
            start_time=_ns(call.started_at),
        )
        if call.error:
            span.set_status(Status(StatusCode.ERROR, call.error))
        inside = set_span_in_context(span)
        for final in call.finals:
            self._phases(call.started_at, final.timings, inside)
        span.end(_ns(call.started_at + call.seconds))

    def close(self) -> None:
        """Sends the remaining spans. Blocks for some seconds if the collector does not answer."""
        self._provider.shutdown()

    def _phases(self, start: float, timings: Timings, inside: Any) -> None:
        """Records queue, prefill and decode, one after the other from the request's start."""
        queued = start + timings.queue_ms / 1e3
        first = queued + timings.prompt_ms / 1e3
        last = first + timings.predicted_ms / 1e3
        phases: list[tuple[str, float, float, dict[str, int]]] = [
            ("queue", start, queued, {}),
            ("prefill", queued, first, {"tokens": timings.prompt_n, "cached": timings.cache_n}),
            ("decode", first, last, {"tokens": timings.predicted_n}),
        ]
        for name, begin, end, counts in phases:
            span: Span = self._tracer.start_span(
                name,
                inside,
                attributes={f"sentiric.{key}": value for key, value in counts.items()},
                start_time=_ns(begin),
            )
            span.end(_ns(end))


def _attributes(call: Call) -> dict[str, Any]:
    """Attributes under OpenTelemetry's names for generative models, or ours if there are none."""
    found = {
        "gen_ai.operation.name": call.endpoint,
        "gen_ai.request.model": label(call.model),
        "gen_ai.usage.input_tokens": call.usage.prompt_tokens,
        "gen_ai.usage.output_tokens": call.usage.completion_tokens or call.tokens,
        "gen_ai.response.finish_reasons": [final.finish_reason for final in call.finals],
        "network.protocol.name": call.trace.protocol,
        "sentiric.request_id": call.trace.request_id,
        "sentiric.tenant_id": call.trace.tenant_id,
        "sentiric.outcome": call.outcome,
        "error.type": call.error or None,
    }
    if call.ttft_s is not None:
        found["sentiric.time_to_first_token_s"] = call.ttft_s
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
