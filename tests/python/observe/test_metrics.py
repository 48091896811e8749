# SPDX-License-Identifier: AGPL-3.0-only
"""A scrape: its series are those of the reference, its numbers those of what was done."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from key_files import write_keys
from observe_tools import Scrape, run_service
from sentiric_llama.access.caller import Caller
from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.access.key_watch import KeyFile
from sentiric_llama.engine.fake import FAKE_INFO, FakeEngine
from sentiric_llama.errors import Unavailable
from sentiric_llama.host.printable import MAX_LABEL
from sentiric_llama.log.trace import CURRENT_TRACE, Trace
from sentiric_llama.metrics.collector import make_registry
from sentiric_llama.metrics.series import ENGINE_SERIES, EXTRA_SERIES, NOT_EXPORTED
from sentiric_llama.metrics.snapshot import snapshot
from sentiric_llama.server import background
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.telemetry.histogram import WAIT_BOUNDS_S
from sentiric_llama.telemetry.request_metrics import GAUGES
from sentiric_llama.types import Device, EngineStats, Message, ModelInfo, TruncationReport

CPU = Device("CPU", "x", "cpu", 5, 9)
GPUS = (Device("CUDA0", "X 1", "gpu", 40, 100), Device("CUDA1", "X 2", "igpu", 190, 200))
SILENT = Device("Vulkan9", "tells nothing", "gpu", 0, 0)


class Driverless(FakeEngine):
    """Its drivers fail."""

    def devices(self) -> list[Device]:
        raise Unavailable("the driver left", where="devices")


REFERENCE = Path(__file__).parents[3] / "docs" / "metrics.md"
CALL = ChatCall(messages=(Message("user", "hello"),))
OLD_BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)


class CountedEngine(FakeEngine):
    """Counts how often it is asked."""

    asked = 0

    def stats(self) -> EngineStats:
        self.asked += 1
        return super().stats()


def scrape_after(*calls: ChatCall, engine: Any = FakeEngine, protocol: str = "http") -> Scrape:
    found: list[Scrape] = []

    async def body(service: LlamaService) -> None:
        for call in calls:
            await service.chat(call)
        found.append(Scrape.of(make_registry(service)))

    run_service(body, engine, protocol)
    return found[0]


def test_every_count_of_the_engine_is_exported_or_left_out_on_purpose() -> None:
    fields = {field.name for field in dataclasses.fields(EngineStats)}
    forgotten = fields - ENGINE_SERIES.keys() - NOT_EXPORTED
    assert not forgotten, "give them a row in ENGINE_SERIES, or a place in NOT_EXPORTED"
    assert not ENGINE_SERIES.keys() & NOT_EXPORTED
    assert ENGINE_SERIES.keys() | NOT_EXPORTED == fields, "rows of fields that do not exist"
    assert set(GAUGES) == EXTRA_SERIES.keys()


def test_every_series_of_the_engine_is_exported() -> None:
    scrape = scrape_after()
    assert [s.name for s in ENGINE_SERIES.values() if not scrape.has(s.name)] == []


def full_scrape(tmp_path: Path) -> Scrape:
    """Every series there can be."""
    key_file = KeyFile(Path(write_keys(tmp_path / "keys.json")), KeyRing((), has_file=True))
    found: list[Scrape] = []

    async def body(service: LlamaService) -> None:
        service.key_file = key_file
        service.attached.load_seconds = 1.0
        for name in EXTRA_SERIES:
            service.request_metrics.register_gauge(name, lambda: 1.0)
        service.devices = GPUS
        service.request_metrics.http_responses[200] += 1
        service.request_metrics.of("m").errors["http", "internal"] += 1
        service.request_metrics.keys.note_end("app", "ok")
        service.request_metrics.keys.note_refusal("app", "tokens")
        await service.chat(CALL)
        found.append(Scrape.of(make_registry(service)))

    run_service(body, CountedEngine)
    return found[0]


@pytest.mark.native
def test_the_reference_lists_exactly_the_series_there_are(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `([\w:]+)` \| (\w+) \| (.*?) \| (.*) \|$", REFERENCE.read_text(), re.M)
    written = {
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)), text)
        for name, kind, labels, text in rows
    }
    there = set(full_scrape(tmp_path).series())
    table = "\n".join(
        f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {text} |"
        for name, kind, labels, text in sorted(there - written)
    )
    assert written == there, f"add:\n{table}\nremove: {sorted(written - there)}"


def test_a_scrape_reads_the_engine_once() -> None:
    engine = CountedEngine()

    async def body(service: LlamaService) -> None:
        registry = make_registry(service)
        assert engine.asked == 0  # nor does registering
        for number in (1, 2):
            Scrape.of(registry)
            assert engine.asked == number

    run_service(body, lambda: engine)


def test_counts_are_what_was_done() -> None:
    calls = [CALL, CALL, dataclasses.replace(CALL, max_tokens=4), dataclasses.replace(CALL, n=2)]
    scrape = scrape_after(*calls, protocol="grpc")
    text = len("You said: hello")
    assert scrape.value("llm_requests_total") == 4
    ok = {"protocol": "grpc", "endpoint": "chat", "outcome": "ok"}
    assert scrape.value("llm_requests_total", **ok) == 4
    assert scrape.value("llm_tokens_generated_total") == 4 * text + 4
    assert scrape.value("llm_finish_reasons_total", reason="stop") == 4
    assert scrape.value("llm_finish_reasons_total", reason="length") == 1
    assert scrape.value("llm_request_latency_seconds_count", protocol="grpc", endpoint="chat") == 4
    assert scrape.value("llm_time_to_first_token_seconds_count") == 4
    assert scrape.value("llm_time_per_output_token_seconds_count") == 4 * text + 4 - 5
    assert scrape.value("llm_requests_cancelled_total", protocol="grpc") == 0
    assert scrape.value("llm_prompt_tokens_total") == 5 * len("hello")


def test_llama_servers_invariants() -> None:
    """Its own tests hold them: the sums of all `timings`."""
    results: list[Any] = []
    scrapes: list[Scrape] = []

    async def body(service: LlamaService) -> None:
        results.extend([await service.chat(CALL) for _ in range(3)])
        scrapes.append(Scrape.of(make_registry(service)))

    run_service(body, CountedEngine)
    (scrape,) = scrapes
    timings = [result.timings for result in results]
    sums = {
        "llamacpp:prompt_tokens_total": sum(t.prompt_n for t in timings),
        "llamacpp:prompt_tokens_cached_total": sum(t.cache_n for t in timings),
        "llamacpp:tokens_predicted_total": sum(t.predicted_n for t in timings),
    }
    for name, expected in sums.items():
        assert scrape.value(name) == expected, name
    assert scrape.value("llamacpp:n_decode_total") == 3 * len("You said: hello")
    assert scrape.value("llamacpp:n_tokens_max") == len("hello") + len("You said: hello")
    assert scrape.value("llamacpp:requests_processing") == 0
    assert scrape.value("llamacpp:spec_decode_num_draft_tokens_total") == 0


def test_the_old_bounds_are_still_there_and_a_voice_can_be_judged(tmp_path: Path) -> None:
    assert set(OLD_BOUNDS) <= set(WAIT_BOUNDS_S)
    assert sum(0.1 <= bound <= 1 for bound in WAIT_BOUNDS_S) >= 6
    assert WAIT_BOUNDS_S[-1] >= 60
    bounds = {
        float(sample.labels["le"])
        for sample in full_scrape(tmp_path).samples
        if sample.name == "llm_request_latency_seconds_bucket"
    }
    assert set(OLD_BOUNDS) <= bounds


def test_while_loading() -> None:
    scrape = Scrape.of(make_registry(LlamaService(Settings(contexts=3))))
    assert scrape.value("llm_state", state="loading") == 1 and scrape.value("llm_state") == 1
    assert scrape.value("llm_ready") == 0 and scrape.value("llm_contexts") == 3
    assert scrape.value("llm_active_contexts") == 0 and not scrape.has("llm_model_info")


def test_names_of_callers_make_no_series() -> None:
    """Neither tenants nor models that somebody asked for become labels."""
    found: list[Scrape] = []

    async def body(service: LlamaService) -> None:
        for number in range(500):
            trace = Trace(tenant_id=f"tenant{number}", request_id=f"r{number}", protocol="http")
            CURRENT_TRACE.set(trace)
            stream = service.stream_chat(dataclasses.replace(CALL, model=f"model{number}"))
            try:
                await anext(stream)
            except LookupError:
                continue
        found.append(Scrape.of(make_registry(service)))

    run_service(body)
    (scrape,) = found
    assert scrape.value("llm_request_errors_total", code="model_not_found") == 500
    assert len(scrape.samples) < 400
    assert "tenant1" not in scrape.text and "model1" not in scrape.text


def test_names_out_of_files_and_drivers_are_cleaned() -> None:
    bad = "\x1b[2J\x9b\u202e\u2028" + "x" * 500

    class Named(FakeEngine):
        @property
        def info(self) -> ModelInfo:
            return dataclasses.replace(FAKE_INFO, name=bad, architecture=bad)

    texts: list[str] = []

    async def body(service: LlamaService) -> None:
        service.devices = (Device(bad, bad, "gpu", 1, 2),)
        texts.append(generate_latest(make_registry(service)).decode())

    run_service(body, Named)
    (text,) = texts
    assert not set(text) & set(bad) - {*"[2Jx"} and "\\x1b[2J" in text
    assert max(map(len, re.findall(r'"((?:[^"\\]|\\.)*)"', text))) <= 2 * MAX_LABEL


def test_what_others_know_is_absent_until_they_do() -> None:
    found: list[Scrape] = []

    async def body(service: LlamaService) -> None:
        values: list[float | None] = [None, 17.0]
        name = "llm_certificate_expiry_timestamp_seconds"
        service.request_metrics.register_gauge(name, lambda: values.pop(0))
        with pytest.raises(KeyError):
            service.request_metrics.register_gauge("llm_something", lambda: 1.0)
        registry = make_registry(service)
        found.extend([Scrape.of(registry), Scrape.of(registry)])
        assert not found[0].has(name) and found[1].value(name) == 17

    run_service(body)


def test_each_gpu_has_its_memory_told() -> None:
    found: list[Scrape] = []

    async def body(service: LlamaService) -> None:
        assert service.attached_engine
        found.append(Scrape.of(make_registry(service)))
        await background.update_devices(service, service.attached_engine)
        found.append(Scrape.of(make_registry(service)))
        assert snapshot(service, Caller())["memory"] | {
            "resident_bytes": 0,
            "anonymous_bytes": 0,
        } == {
            "resident_bytes": 0,
            "anonymous_bytes": 0,
            "gpu_used_bytes": 70,
            "gpu_total_bytes": 300,
            "gpus": [
                {"name": "CUDA0", "description": "X 1", "used_bytes": 60, "total_bytes": 100},
                {"name": "CUDA1", "description": "X 2", "used_bytes": 10, "total_bytes": 200},
            ],
        }

    run_service(body, lambda: FakeEngine(devices=[CPU, *GPUS, SILENT]))
    before, after = found
    assert not before.has("llm_gpu_memory_used_bytes")
    for name, used, total in (("CUDA0", 60, 100), ("CUDA1", 10, 200)):
        assert after.value("llm_gpu_memory_used_bytes", device=name) == used
        assert after.value("llm_gpu_memory_total_bytes", device=name) == total
    assert '"CPU"' not in after.text and "Vulkan9" not in after.text


@pytest.mark.parametrize("engine", [lambda: FakeEngine(devices=[CPU]), lambda: Driverless()])
def test_without_a_gpu_the_drivers_are_asked_once(engine: Any) -> None:
    async def body(service: LlamaService) -> None:
        async with asyncio.timeout(30):
            await background.watch(service)
        assert not Scrape.of(make_registry(service)).has("llm_gpu_memory_total_bytes")

    run_service(body, engine)


def test_truncations() -> None:
    report = TruncationReport(dropped_turns=2, dropped_tokens=9)
    scrape = scrape_after(CALL, engine=lambda: FakeEngine(truncation=report))
    assert scrape.value("llm_truncations_total", kind="dropped") == 1
    assert scrape.value("llm_truncated_tokens_total", kind="dropped") == 9
    assert scrape.value("llm_truncations_total", kind="shifted") == 0
