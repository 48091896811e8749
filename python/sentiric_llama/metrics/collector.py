# SPDX-License-Identifier: AGPL-3.0-only
"""One scrape: everything read once and handed to prometheus-client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric

from sentiric_llama.engine.build import build_labels
from sentiric_llama.host.printable import label
from sentiric_llama.host.process import memory_bytes
from sentiric_llama.log.setup import dropped_lines
from sentiric_llama.metrics.families import number, request_families
from sentiric_llama.metrics.llama_server import KV_USAGE_TEXT, llama_server_families
from sentiric_llama.metrics.series import ENGINE_SERIES, EXTRA_SERIES, GPU_LABELS, GPU_SERIES
from sentiric_llama.metrics.snapshot import kv_cells
from sentiric_llama.service.service import LlamaService, Readiness
from sentiric_llama.types import Device, EngineStats, ModelInfo


class ServiceCollector:
    """A prometheus-client collector over one service; call it on the service's event loop."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service
        self._build = build_labels()

    def collect(self) -> Iterator[Metric]:
        yield from request_families(self._service.request_metrics)
        yield from self._life()
        yield from self._engine()
        yield from self._extras()
        yield from _gpus(self._service.devices)
        memory = memory_bytes()
        if memory is not None:
            text = "Memory that is this process's alone: RssAnon and VmSwap."
            yield number("llm_process_anonymous_bytes", text, memory, kind="gauge")
        text = "Log lines lost because nobody read them."
        yield number("llm_log_lines_dropped_total", text, dropped_lines())

    def describe(self) -> list[Metric]:
        """Nothing in advance: registering must not read the engine."""
        return []

    def _life(self) -> Iterator[Metric]:
        service = self._service
        state = GaugeMetricFamily("llm_state", "1 for the state it is in.", labels=("state",))
        for name in Readiness:
            state.add_metric([name.value], float(name is service.state))
        yield state
        yield number("llm_ready", "1 while it takes work.", float(service.is_ready), kind="gauge")
        text, lag = "Delay of the event loop at its last beat.", service.request_metrics.loop_lag_s
        yield number("llm_event_loop_lag_seconds", text, max(lag, 0.0), kind="gauge")
        yield _info("llm_build_info", "What runs; always 1.", self._build)

    def _engine(self) -> Iterator[Metric]:
        """What the engine knows; absent until a model is loaded, except how many contexts."""
        service = self._service
        capacity = service.capacity
        yield number("llm_contexts", "Contexts there are.", capacity.total, kind="gauge")
        yield number("llm_active_contexts", "Contexts in use.", capacity.active, kind="gauge")
        engine = service.attached_engine
        if engine is None:
            return
        stats, info = engine.stats(), engine.info
        usage = kv_usage(stats, info)
        for field, series in ENGINE_SERIES.items():
            if (value := getattr(stats, field, None)) is not None:
                yield number(series.name, series.help, value * series.scale, kind=series.kind)
        yield number("llm_kv_cache_usage_ratio", KV_USAGE_TEXT, usage, kind="gauge")
        yield from llama_server_families(service.request_metrics, stats, capacity, usage)
        yield from self._model(info)

    def _model(self, info: ModelInfo) -> Iterator[Metric]:
        labels = {
            "model": info.name,
            "architecture": info.architecture,
            "quantization": info.quantization,
            "backend": info.backend,
        }
        yield _info("llm_model_info", "The loaded model; always 1.", labels)
        text = "Bytes of the model's weights."
        yield number("llm_model_size_bytes", text, info.size_bytes, kind="gauge")
        text = "Tokens that each context holds."
        yield number("llm_context_size_tokens", text, info.context_size, kind="gauge")
        text = "Time from the start of loading to readiness."
        loaded = self._service.attached
        if loaded is not None and (seconds := loaded.load_seconds) is not None:
            yield number("llm_model_load_seconds", text, seconds, kind="gauge")

    def _extras(self) -> Iterator[Metric]:
        for name, read in self._service.request_metrics.gauges.items():
            series = EXTRA_SERIES[name]
            if (value := read()) is not None:
                yield number(series.name, series.help, value, kind=series.kind)


def make_registry(service: LlamaService) -> CollectorRegistry:
    """The registry of one application: the service, and the process around it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServiceCollector(service))
    ProcessCollector(registry=registry)
    return registry


def kv_usage(stats: EngineStats, info: ModelInfo) -> float:
    """Cells of running requests as a share of all; kept prefixes give way to them."""
    cells = kv_cells(stats, info.contexts * info.context_size)
    return stats.kv_tokens / cells if cells else 0.0


def _gpus(devices: Iterable[Device]) -> Iterator[Metric]:
    """Memory of each GPU under its name in llama.cpp; nothing where there is none."""
    gpus = [device for device in devices if device.is_gpu]
    for field, series in GPU_SERIES.items() if gpus else ():
        family = GaugeMetricFamily(series.name, series.help, labels=GPU_LABELS)
        for gpu in gpus:
            family.add_metric((label(gpu.name), label(gpu.description)), getattr(gpu, field))
        yield family


def _info(name: str, text: str, labels: Mapping[str, str]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(map(label, labels.values())), 1)
    return family
