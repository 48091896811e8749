# SPDX-License-Identifier: AGPL-3.0-only
"""Tables of series whose value is one number somebody else counts: name, kind, meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge"]


@dataclass(frozen=True, slots=True)
class Series:
    """One exported number. A counter's name ends in _total on the wire."""

    name: str
    kind: Kind
    help: str
    scale: float = 1.0
    """What the source is multiplied by to come to base units."""


def _counter(name: str, text: str) -> Series:
    return Series(f"llm_engine_{name}_total", "counter", text)


def _gauge(name: str, text: str, scale: float = 1.0) -> Series:
    return Series(name, "gauge", text, scale)


ENGINE_SERIES: dict[str, Series] = {
    # Work, of whoever asked: the warm-up counts here, too.
    "requests_submitted": _counter("requests_submitted", "Generations handed to the engine."),
    "requests_completed": _counter("requests_completed", "Generations that ended in any way."),
    "requests_cancelled": _counter("requests_cancelled", "Generations ended by their caller."),
    "requests_failed": _counter("requests_failed", "Generations that ended with an error."),
    "requests_rejected": _counter("requests_rejected", "Generations refused by a full queue."),
    "steps": _counter("steps", "Steps of the engine; each decodes for all running requests."),
    "decode_calls": _counter("decode_calls", "Calls of llama.cpp's decode."),
    "prompt_tokens": _counter("prompt_tokens", "Prompt tokens evaluated, cached ones not."),
    "generated_tokens": _counter("generated_tokens", "Tokens sampled."),
    "shifts": _counter("context_shifts", "Times that a full context was shifted."),
    "shifted_tokens": _counter("shifted_tokens", "Tokens shifted out of contexts."),
    "kv_full_retries": _counter("kv_full_retries", "Decode calls repeated because KV was full."),
    "grammar_cache_hits": _counter("grammar_cache_hits", "Grammars found compiled."),
    "grammar_cache_misses": _counter("grammar_cache_misses", "Grammars that were compiled."),
    # The prefix cache and pressure on it
    "cached_tokens": _counter("cached_tokens", "Prompt tokens taken from the prefix cache."),
    "prefix_hits": _counter("prefix_hits", "Requests that found a prefix in the cache."),
    "prefix_hits_host": _counter("prefix_hits_host", "Of these, prefixes kept in host memory."),
    "prefix_hits_disk": _counter("prefix_hits_disk", "Requests that found a prefix on disk."),
    "prefix_checkpoints": _counter(
        "prefix_checkpoints", "States kept half-way through a prompt, of models that need it."
    ),
    "disk_cache_saves": _counter("disk_cache_saves", "Prefixes written to disk."),
    "disk_cache_failures": _counter(
        "disk_cache_failures", "Files of prefixes that were damaged or could not be written."
    ),
    "prefix_evictions": _counter("prefix_evictions", "Prefixes removed to make room."),
    "prefix_copies": _counter("prefix_copies", "Prefixes copied from another sequence."),
    "preemptions": _counter("preemptions", "Running requests preempted to make room."),
    "resumes": _counter("resumes", "Preempted requests that went on."),
    # Tokens that cost less
    "jumped_tokens": _counter("jumped_tokens", "Tokens that a grammar forced without sampling."),
    "drafted_tokens": _counter("drafted_tokens", "Tokens proposed by speculation."),
    "accepted_draft_tokens": _counter("accepted_draft_tokens", "Proposed tokens that were right."),
    "draft_failures": _counter("draft_failures", "Draft models given up after a failure."),
    # State
    "queued": _gauge("llm_requests_waiting", "Requests that wait for a context."),
    "preparing": _gauge("llm_requests_preparing", "Requests whose prompt is being tokenised."),
    "prefilling": _gauge("llm_requests_prefilling", "Requests whose prompt is being evaluated."),
    "decoding": _gauge("llm_requests_decoding", "Requests that generate."),
    "waiting": _gauge("llm_requests_sharing", "Requests whose prefix another one computes."),
    "reader_waits": _gauge("llm_requests_unread", "Requests whose reader is behind."),
    "queued_tokens": _gauge("llm_queue_tokens", "Prompt tokens that wait for a context."),
    "kv_tokens": _gauge("llm_kv_cache_tokens", "KV cells that running requests hold."),
    "kv_cells": _gauge("llm_kv_cache_cells", "KV cells there are."),
    "resting_tokens": _gauge("llm_prefix_cache_tokens", "KV cells that only keep prefixes."),
    "resting_sequences": _gauge("llm_prefix_cache_sequences", "Prefixes kept in KV cells."),
    "host_cache_bytes": _gauge("llm_host_cache_bytes", "Host memory that keeps prefixes."),
    "disk_cache_bytes": _gauge("llm_disk_cache_bytes", "Disk space that keeps prefixes."),
    "adapters_loaded": _gauge("llm_adapters_loaded", "LoRA adapters in memory."),
    "prefill_budget": _gauge(
        "llm_engine_prefill_budget_tokens", "Prompt tokens of the last step beside running streams."
    ),
    "step_error": _gauge(
        "llm_engine_step_error_ratio", "Mean error of the predicted step time, as a part of it."
    ),
    "request_ms_mean": _gauge(
        "llm_engine_request_seconds", "Moving mean of a request's time in a context.", 1e-3
    ),
    "step_ms_mean": _gauge("llm_engine_step_seconds", "Moving mean of a step's time.", 1e-3),
}
"""Field of EngineStats -> its series. A field the engine does not have yet is not exported."""

NOT_EXPORTED = frozenset({"event_batches"})
"""Fields of EngineStats that only tests need."""

EXTRA_SERIES: dict[str, Series] = {
    "llm_certificate_expiry_timestamp_seconds": _gauge(
        "llm_certificate_expiry_timestamp_seconds",
        "When the TLS certificate in use expires, in seconds since 1970; only with TLS.",
    ),
}
"""Series that other parts fill in through `RequestMetrics.register_gauge`."""

GPU_LABELS = ("device", "description")
GPU_SERIES: dict[str, Series] = {
    "used": _gauge("llm_gpu_memory_used_bytes", "GPU memory in use."),
    "total": _gauge("llm_gpu_memory_total_bytes", "GPU memory there is."),
}
"""Attribute of a Device -> its series, which a machine without a GPU does not have."""
