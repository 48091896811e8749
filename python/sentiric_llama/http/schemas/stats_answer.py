# SPDX-License-Identifier: AGPL-3.0-only
"""The answer of `/v1/stats`; `metrics.snapshot` writes it."""

from __future__ import annotations

from typing import Literal

from sentiric_llama.http.schemas.answer import Answer
from sentiric_llama.http.schemas.service_answer import SwitchProgress
from sentiric_llama.service.readiness import Readiness
from sentiric_llama.types import EngineStats


class StatsService(Answer):
    """The process."""

    name: str
    version: str
    state: Readiness
    uptime_s: float


class StatsProcess(Answer):
    """The process that the engine runs in, and what became of those before it."""

    pid: int
    restarts: int
    resubmitted: int
    quarantined: int


class StatsModel(Answer):
    """The loaded model."""

    id: str
    profile: str | None
    architecture: str
    quantization: str
    backend: str
    size_bytes: int
    num_params: int
    context_size: int
    load_s: float | None
    engine_process: StatsProcess | None


class StatsContexts(Answer):
    """Contexts, by what they do."""

    total: int
    active: int
    available: int
    prefilling: int
    decoding: int
    sharing: int


class StatsQueue(Answer):
    """Requests without a context."""

    waiting: int
    waiting_tokens: int
    preparing: int
    rejected: int


class StatsRequests(Answer):
    """Requests since the start, by outcome and protocol."""

    total: int
    running: int
    ok: int
    cancelled: int
    error: int
    by_protocol: dict[str, int]


class StatsRunning(Answer):
    """A running request of the caller."""

    request_id: str | None
    protocol: str
    endpoint: str
    phase: Literal["waiting", "answering"]
    tokens: int
    age_ms: float


class StatsTokens(Answer):
    """Tokens since the start."""

    prompt: int
    cached: int
    generated: int
    dropped: int
    shifted: int


class StatsRates(Answer):
    """Rates over the last `window_s` seconds."""

    window_s: float
    prompt_tokens_per_s: float | None
    generated_tokens_per_s: float | None
    requests_per_s: float | None


class Percentiles(Answer):
    """null without data."""

    p50: float | None
    p95: float | None
    p99: float | None


class StatsLatency(Answer):
    """Latencies of chat requests that ended within the last `window_s` seconds."""

    window_s: float
    count: int
    ttft_ms: Percentiles
    per_token_ms: Percentiles
    queue_ms: Percentiles
    prefill_ms: Percentiles
    total_ms: Percentiles


class StatsCache(Answer):
    """The prefix cache."""

    hit_ratio: float | None
    kv_tokens: int | None
    kv_cells: int | None
    prefix_hits: int | None = None
    prefix_evictions: int | None = None
    preemptions: int | None = None
    resting_tokens: int | None = None
    host_cache_bytes: int | None = None


class StatsGpu(Answer):
    """Memory of one GPU."""

    name: str
    description: str
    used_bytes: int
    total_bytes: int


class StatsMemory(Answer):
    """Memory of all processes and of all GPUs; null if unknown."""

    resident_bytes: int | None
    anonymous_bytes: int | None
    gpu_used_bytes: int | None
    gpu_total_bytes: int | None
    gpus: list[StatsGpu]


class Stats(Answer):
    """The service at one moment. `engine` has the counters of the engine."""

    timestamp: float
    service: StatsService
    model: StatsModel | None
    switch: SwitchProgress | None
    contexts: StatsContexts
    queue: StatsQueue
    requests: StatsRequests
    running: list[StatsRunning]
    tokens: StatsTokens
    rates: StatsRates
    latency: StatsLatency
    cache: StatsCache
    memory: StatsMemory
    engine: EngineStats | None
