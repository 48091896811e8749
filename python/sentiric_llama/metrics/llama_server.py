# SPDX-License-Identifier: AGPL-3.0-only
"""llama-server's series under its own names, for dashboards that already use them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from sentiric_llama.metrics.families import number
from sentiric_llama.telemetry.request_metrics import RequestMetrics
from sentiric_llama.types import Capacity, EngineStats

PREFIX = "llamacpp:"
LATELY_S = 60.0
KV_USAGE_TEXT = "Share of the KV cache that running requests hold; 1 is full."


def llama_server_families(
    request_metrics: RequestMetrics, stats: EngineStats, capacity: Capacity, kv_usage: float
) -> Iterator[Metric]:
    """All series. Tokens and seconds are sums of the `timings` of finished answers."""
    done = request_metrics.total.finished
    counters = {
        "prompt_tokens_total": (done.prompt_n, "Prompt tokens evaluated, without cached ones."),
        "prompt_tokens_cached_total": (done.cache_n, "Prompt tokens taken from the cache."),
        "prompt_seconds_total": (done.prompt_ms / 1e3, "Time spent on prompts."),
        "tokens_predicted_total": (done.predicted_n, "Generated tokens."),
        "tokens_predicted_seconds_total": (
            done.predicted_ms / 1e3,
            "Time spent on generating tokens.",
        ),
        "n_decode_total": (stats.decode_calls, "Calls of llama_decode."),
        "spec_decode_num_draft_tokens_total": (stats.drafted_tokens, "Draft tokens proposed."),
        "spec_decode_num_accepted_tokens_total": (
            stats.accepted_draft_tokens,
            "Draft tokens accepted.",
        ),
    }
    for name, (value, text) in counters.items():
        yield number(PREFIX + name, text, value)
    per_decode = stats.generated_tokens / stats.decode_calls if stats.decode_calls else 0.0
    lately = request_metrics.finished_within(LATELY_S)
    gauges = {
        "n_tokens_max": (done.most_tokens, "Tokens of the longest prompt with its answer so far."),
        "prompt_tokens_seconds": (
            _per_second(lately.prompt_n, lately.prompt_ms),
            "Average prompt throughput in tokens per second, over the last minute's answers.",
        ),
        "predicted_tokens_seconds": (
            _per_second(lately.predicted_n, lately.predicted_ms),
            "Average generation throughput in tokens per second, over the last minute's answers.",
        ),
        "requests_processing": (capacity.active, "Requests being processed."),
        "requests_deferred": (stats.queued, "Requests waiting for a context."),
        "n_busy_slots_per_decode": (per_decode, "Contexts that got a token, per decode call."),
        "kv_cache_usage_ratio": (kv_usage, KV_USAGE_TEXT),
    }
    for name, (value, text) in gauges.items():
        yield number(PREFIX + name, text, value, kind="gauge")


def _per_second(count: int, milliseconds: float) -> float:
    return 1e3 * count / milliseconds if milliseconds > 0 else 0.0
