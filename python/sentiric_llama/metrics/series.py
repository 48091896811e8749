# SPDX-License-Identifier: AGPL-3.0-only
"""Tables of the series that export one number of another part: name, kind, help text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sentiric_llama.telemetry.request_metrics import CERTIFICATE_EXPIRY

Kind = Literal["counter", "gauge"]


@dataclass(frozen=True, slots=True)
class Series:
    """One exported number. A counter's name ends in _total on the wire."""

    name: str
    kind: Kind
    help: str
    scale: float = 1.0
    """Factor from the source's unit to the base unit."""


def _counter(name: str, text: str) -> Series:
    return Series(f"llm_engine_{name}_total", "counter", text)


def _gauge(name: str, text: str, scale: float = 1.0) -> Series:
    return Series(name, "gauge", text, scale)


ENGINE_SERIES: dict[str, Series] = {
    # Work of all requests, the warm-up included
    "requests_submitted": _counter("requests_submitted", "Requests handed to the engine."),
    "requests_completed": _counter(
        "requests_completed", "Requests that ended, however they ended."
    ),
    "requests_cancelled": _counter("requests_cancelled", "Requests cancelled by their caller."),
    "requests_failed": _counter("requests_failed", "Requests that ended with an error."),
    "requests_rejected": _counter(
        "requests_rejected", "Requests refused because the queue was full."
    ),
    "steps": _counter("steps", "Steps of the engine; each decodes for all running requests."),
    "decode_calls": _counter("decode_calls", "Calls of llama.cpp's decode."),
    "prompt_tokens": _counter("prompt_tokens", "Prompt tokens evaluated, without cached ones."),
    "generated_tokens": _counter("generated_tokens", "Tokens sampled."),
    "shifts": _counter("context_shifts", "Shifts of full contexts."),
    "shifted_tokens": _counter("shifted_tokens", "Tokens shifted out of contexts."),
    "kv_full_retries": _counter(
        "kv_full_retries", "Decode calls repeated because the KV cache was full."
    ),
    "grammar_cache_hits": _counter(
        "grammar_cache_hits", "Requests whose grammar was already compiled."
    ),
    "grammar_cache_misses": _counter(
        "grammar_cache_misses", "Requests whose grammar had to be compiled."
    ),
    # The prefix cache and pressure on it
    "cached_tokens": _counter("cached_tokens", "Prompt tokens taken from the prefix cache."),
    "prefix_hits": _counter("prefix_hits", "Requests that found a prefix in the cache."),
    "prefix_hits_host": _counter(
        "prefix_hits_host", "Requests that found a prefix in host memory."
    ),
    "prefix_hits_disk": _counter("prefix_hits_disk", "Requests that found a prefix on disk."),
    "prefix_checkpoints": _counter(
        "prefix_checkpoints", "States saved within a prompt, for models that need it."
    ),
    "disk_cache_saves": _counter("disk_cache_saves", "Prefixes written to disk."),
    "disk_cache_failures": _counter(
        "disk_cache_failures", "Prefix files that were damaged or could not be written."
    ),
    "prefix_evictions": _counter("prefix_evictions", "Prefixes evicted to make room."),
    "prefix_copies": _counter("prefix_copies", "Prefixes copied from another sequence."),
    "preemptions": _counter("preemptions", "Running requests preempted to make room."),
    "resumes": _counter("resumes", "Preempted requests that were resumed."),
    # Tokens that are cheaper than a decode step
    "jumped_tokens": _counter(
        "jumped_tokens", "Tokens emitted without sampling because the grammar forces them."
    ),
    "drafted_tokens": _counter("drafted_tokens", "Draft tokens proposed."),
    "accepted_draft_tokens": _counter("accepted_draft_tokens", "Draft tokens accepted."),
    "embedded_inputs": _counter("embedded_inputs", "Inputs whose embeddings were computed."),
    "repetitions": _counter("repetitions", "Answers ended because they repeated themselves."),
    "draft_failures": _counter("draft_failures", "Draft models disabled after a failure."),
    # State
    "queued": _gauge("llm_requests_waiting", "Requests waiting for a context."),
    "preparing": _gauge("llm_requests_preparing", "Requests whose prompt is being tokenized."),
    "prefilling": _gauge("llm_requests_prefilling", "Requests whose prompt is being evaluated."),
    "decoding": _gauge("llm_requests_decoding", "Requests generating tokens."),
    "waiting": _gauge(
        "llm_requests_sharing", "Requests waiting for another one to compute their prefix."
    ),
    "reader_waits": _gauge(
        "llm_requests_unread", "Requests paused because the client reads too slowly."
    ),
    "queued_tokens": _gauge("llm_queue_tokens", "Prompt tokens of requests waiting for a context."),
    "kv_tokens": _gauge("llm_kv_cache_tokens", "KV cells held by running requests."),
    "kv_cells": _gauge("llm_kv_cache_cells", "Total KV cells."),
    "resting_tokens": _gauge("llm_prefix_cache_tokens", "KV cells that only hold cached prefixes."),
    "resting_sequences": _gauge("llm_prefix_cache_sequences", "Prefixes cached in KV cells."),
    "host_cache_bytes": _gauge("llm_host_cache_bytes", "Host memory used for cached prefixes."),
    "disk_cache_bytes": _gauge("llm_disk_cache_bytes", "Disk space used for cached prefixes."),
    "adapters_loaded": _gauge("llm_adapters_loaded", "LoRA adapters in memory."),
    "prefill_budget": _gauge(
        "llm_engine_prefill_budget_tokens",
        "Prompt tokens that the last step may evaluate besides running streams.",
    ),
    "step_error": _gauge(
        "llm_engine_step_error_ratio", "Mean relative error of the predicted step time."
    ),
    "request_ms_mean": _gauge(
        "llm_engine_request_seconds",
        "Moving average of the time that a request holds a context.",
        1e-3,
    ),
    "step_ms_mean": _gauge("llm_engine_step_seconds", "Moving average of the step time.", 1e-3),
}
"""Field of EngineStats -> its series."""

PROCESS_SERIES: dict[str, Series] = {
    "restarts": _counter("restarts", "Restarts of the engine process."),
    "resubmitted": _counter(
        "requests_resubmitted", "Requests sent again after a restart of the engine process."
    ),
    "quarantined": _counter(
        "requests_quarantined", "Requests rejected because they crashed the engine process twice."
    ),
}
"""Field of ProcessFacts -> its series."""

NOT_EXPORTED = frozenset({"event_batches"})
"""Fields of EngineStats that only tests use."""

EXTRA_SERIES: dict[str, Series] = {
    series.name: series
    for series in (
        _gauge(
            CERTIFICATE_EXPIRY,
            "When the TLS certificate in use expires, in seconds since 1970; only with TLS.",
        ),
    )
}
"""Series that other parts provide through `RequestMetrics.register_gauge`."""

GPU_LABELS = ("device", "description")
GPU_SERIES: dict[str, Series] = {
    "used": _gauge("llm_gpu_memory_used_bytes", "Used GPU memory."),
    "total": _gauge("llm_gpu_memory_total_bytes", "Total GPU memory."),
}
"""Attribute of a Device -> its series; absent without a GPU."""
