# SPDX-License-Identifier: AGPL-3.0-only
"""Collects one scrape for prometheus-client. Reads each engine once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric

from sentiric_llama.access.key_watch import KeyFileState
from sentiric_llama.engine.facts import build_labels
from sentiric_llama.engine.protocol import ProcessFacts
from sentiric_llama.host.printable import label
from sentiric_llama.host.process import memory_bytes
from sentiric_llama.log.setup import dropped_lines
from sentiric_llama.metrics.families import by_model, number, request_families
from sentiric_llama.metrics.llama_server import KV_USAGE_TEXT, llama_server_families
from sentiric_llama.metrics.series import (
    ENGINE_SERIES,
    EXTRA_SERIES,
    GPU_LABELS,
    GPU_SERIES,
    PROCESS_SERIES,
)
from sentiric_llama.metrics.snapshot import engine_pids, kv_cells
from sentiric_llama.service.models.slot import LoadedModel
from sentiric_llama.service.readiness import Readiness
from sentiric_llama.service.service import LlamaService
from sentiric_llama.types import Capacity, Device, EngineStats, ModelInfo


class ServiceCollector:
    """A prometheus-client collector over one service; call it on the service's event loop."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service
        self._build = build_labels()

    def collect(self) -> Iterator[Metric]:
        service = self._service
        yield from request_families(service.request_metrics, service.models.names())
        yield from self._life()
        readings = [_read(loaded) for loaded in service.models]  # each engine once
        yield from _contexts(readings, service)
        yield from _engines(readings)
        if readings:
            yield from _llama_server(service, readings[0])
        yield from self._extras()
        yield from _gpus(service.devices)
        memory = memory_bytes(*engine_pids(service))
        if memory is not None:
            text = "Private memory of the server and its engine processes: RssAnon and VmSwap."
            yield number("llm_process_anonymous_bytes", text, memory, kind="gauge")
        text = "Log lines dropped because the output was blocked."
        yield number("llm_log_lines_dropped_total", text, dropped_lines())

    def describe(self) -> list[Metric]:
        """Describes nothing: registering must not read the engine."""
        return []

    def _life(self) -> Iterator[Metric]:
        service = self._service
        text = "1 for the current state of the service."
        state = GaugeMetricFamily("llm_state", text, labels=("state",))
        for name in Readiness:
            state.add_metric([name.value], float(name is service.state))
        yield state
        text = "1 if the server accepts requests."
        yield number("llm_ready", text, float(service.is_ready), kind="gauge")
        text = "Delay of the event loop, measured once a second."
        lag = max(service.request_metrics.loop_lag_s, 0.0)
        yield number("llm_event_loop_lag_seconds", text, lag, kind="gauge")
        if service.key_file is not None:
            text = "1 for the current state of the file of keys; absent without one."
            keys = GaugeMetricFamily("llm_key_file_state", text, labels=("state",))
            for known in KeyFileState:
                keys.add_metric([known.value], float(known is service.key_file.state))
            yield keys
        yield _info("llm_build_info", "Versions of the running software; always 1.", self._build)

    def _extras(self) -> Iterator[Metric]:
        for name, read in self._service.request_metrics.gauges.items():
            series = EXTRA_SERIES[name]
            if (value := read()) is not None:
                yield number(series.name, series.help, value, kind=series.kind)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one engine reported for this scrape."""

    name: str
    info: ModelInfo
    stats: EngineStats
    capacity: Capacity
    process: ProcessFacts
    load_seconds: float | None


def _read(loaded: LoadedModel) -> _Reading:
    engine = loaded.engine
    name, seconds = loaded.served.name, loaded.load_seconds
    process = engine.process or ProcessFacts(os.getpid())
    return _Reading(name, engine.info, engine.stats(), engine.capacity, process, seconds)


def _contexts(readings: Sequence[_Reading], service: LlamaService) -> Iterator[Metric]:
    """Contexts of each model; before a model is loaded, the configured number, none in use."""
    found = {reading.name: reading.capacity for reading in readings} or {"": service.capacity}
    totals = {model: capacity.total for model, capacity in found.items()}
    active = {model: capacity.active for model, capacity in found.items()}
    yield by_model("llm_contexts", "Number of contexts.", totals, kind="gauge")
    yield by_model("llm_active_contexts", "Contexts in use.", active, kind="gauge")


def _engines(readings: Sequence[_Reading]) -> Iterator[Metric]:
    """The series of engines; absent until a model is loaded."""
    if not readings:
        return
    for field, series in ENGINE_SERIES.items():
        values = {r.name: getattr(r.stats, field) * series.scale for r in readings}
        yield by_model(series.name, series.help, values, kind=series.kind)
    for field, series in PROCESS_SERIES.items():
        counts = {r.name: getattr(r.process, field) for r in readings}
        yield by_model(series.name, series.help, counts, kind=series.kind)
    for name, text, read in MODEL_GAUGES:
        found = {reading.name: read(reading) for reading in readings}
        known = {name: value for name, value in found.items() if value is not None}
        if known:
            yield by_model(name, text, known, kind="gauge")
    yield _model_info(readings)


MODEL_GAUGES: tuple[tuple[str, str, Callable[[_Reading], float | None]], ...] = (
    ("llm_kv_cache_usage_ratio", KV_USAGE_TEXT, lambda r: kv_usage(r.stats, r.info)),
    ("llm_model_size_bytes", "Size of the model's weights.", lambda r: r.info.size_bytes),
    ("llm_context_size_tokens", "Size of a context in tokens.", lambda r: r.info.context_size),
    (
        "llm_model_load_seconds",
        "Time to open the model and to decode a first token, without its download.",
        lambda r: r.load_seconds,
    ),
)
MODEL_LABELS = ("model", "architecture", "quantization", "backend")


def _model_info(readings: Sequence[_Reading]) -> Metric:
    family = GaugeMetricFamily("llm_model_info", "A loaded model; always 1.", labels=MODEL_LABELS)
    for reading in readings:
        info = reading.info
        values = (reading.name, info.architecture, info.quantization, info.backend)
        family.add_metric(list(map(label, values)), 1)
    return family


def _llama_server(service: LlamaService, reading: _Reading) -> Iterator[Metric]:
    """llama-server's series, which have no model label: those of the default model."""
    usage = kv_usage(reading.stats, reading.info)
    yield from llama_server_families(
        service.request_metrics, reading.stats, reading.capacity, usage
    )


def make_registry(service: LlamaService) -> CollectorRegistry:
    """The registry of one application: its service and its process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServiceCollector(service))
    ProcessCollector(registry=registry)
    return registry


def kv_usage(stats: EngineStats, info: ModelInfo) -> float:
    """The share of KV cells that running requests hold; cached prefixes do not count."""
    cells = kv_cells(stats, info.contexts * info.context_size)
    return stats.kv_tokens / cells if cells else 0.0


def _gpus(devices: Iterable[Device]) -> Iterator[Metric]:
    """Memory of each GPU, by its name in llama.cpp; nothing without a GPU."""
    gpus = [device for device in devices if device.reports_gpu_memory]
    for field, series in GPU_SERIES.items() if gpus else ():
        family = GaugeMetricFamily(series.name, series.help, labels=GPU_LABELS)
        for gpu in gpus:
            family.add_metric((label(gpu.name), label(gpu.description)), getattr(gpu, field))
        yield family


def _info(name: str, text: str, labels: Mapping[str, str]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(map(label, labels.values())), 1)
    return family
