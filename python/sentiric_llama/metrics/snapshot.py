# SPDX-License-Identifier: AGPL-3.0-only
"""The state of the service as one JSON value, for `ps` and people. Holds no texts of users.

Counts cover all requests; single calls are shown only to the key that made them and to admins.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterable
from typing import Any

from sentiric_llama.access.caller import Caller
from sentiric_llama.host.process import memory_bytes, resident_bytes
from sentiric_llama.host.product import SERVICE_NAME, version
from sentiric_llama.service.service import LlamaService
from sentiric_llama.telemetry.percentile import percentile
from sentiric_llama.telemetry.request_metrics import Call, RequestMetrics
from sentiric_llama.telemetry.watchdog import RATE_WINDOW_S
from sentiric_llama.types import Device, EngineStats

RECENT_S = 300.0
"""Percentiles cover the requests that ended within this time."""
MAX_RUNNING_SHOWN = 256


def snapshot(service: LlamaService, caller: Caller) -> dict[str, Any]:
    """What `GET /v1/stats` shows to this caller, in milliseconds and bytes; null is unknown."""
    engine = service.attached_engine
    stats = engine.stats() if engine else None
    return {
        "timestamp": round(time.time(), 3),
        "service": _service(service),
        "model": _model(service),
        "switch": _switch(service, caller),
        "contexts": _contexts(service, stats),
        "queue": _queue(stats),
        "requests": _requests(service.request_metrics),
        "running": _running(service.request_metrics, caller),
        "tokens": _tokens(service.request_metrics),
        "rates": _rates(service),
        "latency": _latency(service.request_metrics),
        "cache": _cache(service, stats),
        "memory": _memory(service.devices, engine_pids(service)),
        "engine": dataclasses.asdict(stats) if stats else None,
    }


def _service(service: LlamaService) -> dict[str, Any]:
    return {
        "name": SERVICE_NAME,
        "version": version(),
        "state": service.state.value,
        "uptime_s": round(time.time() - service.request_metrics.started_at, 1),
    }


def _model(service: LlamaService) -> dict[str, Any] | None:
    loaded = service.attached
    if loaded is None:
        return None
    info, process = loaded.engine.info, loaded.engine.process
    return {
        "id": loaded.served.name,
        "profile": loaded.settings.profile or None,
        "architecture": info.architecture,
        "quantization": info.quantization,
        "backend": info.backend,
        "size_bytes": info.size_bytes,
        "num_params": info.num_params,
        "context_size": info.context_size,
        "load_s": loaded.load_seconds,
        "engine_process": dataclasses.asdict(process) if process else None,
    }


def _contexts(service: LlamaService, stats: EngineStats | None) -> dict[str, Any]:
    capacity = service.capacity
    return {
        "total": capacity.total,
        "active": capacity.active,
        "available": capacity.available,
        "prefilling": stats.prefilling if stats else 0,
        "decoding": stats.decoding if stats else 0,
        "sharing": stats.waiting if stats else 0,
    }


def _queue(stats: EngineStats | None) -> dict[str, Any]:
    return {
        "waiting": stats.queued if stats else 0,
        "waiting_tokens": stats.queued_tokens if stats else 0,
        "preparing": stats.preparing if stats else 0,
        "rejected": stats.requests_rejected if stats else 0,
    }


def _requests(request_metrics: RequestMetrics) -> dict[str, Any]:
    by_outcome = {"ok": 0, "cancelled": 0, "error": 0}
    by_protocol: dict[str, int] = {}
    for (protocol, _, outcome), count in request_metrics.total.requests.items():
        by_outcome[outcome] += count
        by_protocol[protocol] = by_protocol.get(protocol, 0) + count
    total = sum(by_outcome.values())
    running = len(request_metrics.running)
    return {"total": total, "running": running, **by_outcome, "by_protocol": by_protocol}


def _switch(service: LlamaService, caller: Caller) -> dict[str, Any] | None:
    """The last model switch. Only admins see file names."""
    if service.switch is None:
        return None
    switch = service.switch
    return switch.as_json() if caller.is_admin else switch.as_public_json()


def _running(request_metrics: RequestMetrics, caller: Caller) -> list[dict[str, Any]]:
    """The calls that this caller may see, the oldest first: ids, counts and ages."""
    seen = (call for call in request_metrics.running.values() if caller.sees(call.caller.owner))
    calls = list(itertools.islice(seen, MAX_RUNNING_SHOWN))
    return [
        {
            "request_id": call.trace.request_id,
            "protocol": call.trace.protocol,
            "endpoint": call.endpoint,
            "phase": "waiting" if call.first_token is None else "answering",
            "tokens": call.tokens,
            "age_ms": _ms(call.seconds),
        }
        for call in calls
    ]


def _tokens(request_metrics: RequestMetrics) -> dict[str, int]:
    total = request_metrics.total
    return {
        "prompt": total.finished.prompt_n,
        "cached": total.finished.cache_n,
        "generated": total.tokens_generated,
        "dropped": total.truncated_tokens["dropped"],
        "shifted": total.truncated_tokens["shifted"],
    }


def _rates(service: LlamaService) -> dict[str, float | None]:
    rates = {
        "prompt_tokens_per_s": service.watchdog.per_second("prompt_tokens"),
        "generated_tokens_per_s": service.watchdog.per_second("generated_tokens"),
        "requests_per_s": service.watchdog.per_second("requests_completed"),
    }
    shown = {name: None if rate is None else round(rate, 2) for name, rate in rates.items()}
    return {"window_s": RATE_WINDOW_S, **shown}


def _latency(request_metrics: RequestMetrics) -> dict[str, Any]:
    since = time.monotonic() - RECENT_S
    calls = [
        call for call in request_metrics.recent if call.endpoint == "chat" and _ended(call) >= since
    ]
    finals = [final.timings for call in calls for final in call.finals]
    return {
        "window_s": RECENT_S,
        "count": len(calls),
        "ttft_ms": _percentiles(1e3 * call.ttft_s for call in calls if call.ttft_s is not None),
        "per_token_ms": _percentiles(
            t.predicted_ms / (t.predicted_n - 1) for t in finals if t.predicted_n > 1
        ),
        "queue_ms": _percentiles(t.queue_ms for t in finals),
        "prefill_ms": _percentiles(t.prompt_ms for t in finals),
        "total_ms": _percentiles(1e3 * call.seconds for call in calls),
    }


def _cache(service: LlamaService, stats: EngineStats | None) -> dict[str, Any]:
    engine, done = service.attached_engine, service.request_metrics.total.finished
    prompt = done.prompt_n + done.cache_n
    found: dict[str, Any] = {
        "hit_ratio": round(done.cache_n / prompt, 4) if prompt else None,
        "kv_tokens": None,
        "kv_cells": None,
    }
    if stats is None or engine is None:
        return found
    found["kv_tokens"] = stats.kv_tokens
    found["kv_cells"] = kv_cells(stats, engine.info.contexts * engine.info.context_size)
    names = ("prefix_hits", "prefix_evictions", "preemptions", "resting_tokens", "host_cache_bytes")
    return found | {name: getattr(stats, name) for name in names}


def _memory(devices: Iterable[Device], pids: Iterable[int]) -> dict[str, Any]:
    """Memory of all processes and of the GPUs, as their drivers last reported it."""
    gpus = [device for device in devices if device.reports_gpu_memory]
    return {
        "resident_bytes": resident_bytes(*pids),
        "anonymous_bytes": memory_bytes(*pids),
        "gpu_used_bytes": sum(device.used for device in gpus) if gpus else None,
        "gpu_total_bytes": sum(device.total for device in gpus) if gpus else None,
        "gpus": [
            {
                "name": device.name,
                "description": device.description,
                "used_bytes": device.used,
                "total_bytes": device.total,
            }
            for device in gpus
        ],
    }


def engine_pids(service: LlamaService) -> list[int]:
    """The engine processes of the loaded models."""
    processes = (loaded.engine.process for loaded in service.models)
    return [process.pid for process in processes if process is not None and process.pid]


def kv_cells(stats: EngineStats, otherwise: int) -> int:
    """Number of KV cells; `otherwise` if the engine does not report it."""
    return stats.kv_cells or otherwise


def _percentiles(values: Iterable[float]) -> dict[str, float | None]:
    known = sorted(values)  # once; sorting what is sorted costs next to nothing
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    if not known:
        return dict.fromkeys(shares)
    return {name: round(percentile(known, share), 2) for name, share in shares.items()}


def _ended(call: Call) -> float:
    return call.ended or 0.0


def _ms(seconds: float) -> float:
    return round(1e3 * seconds, 1)
