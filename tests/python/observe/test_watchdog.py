# SPDX-License-Identifier: AGPL-3.0-only
"""The watchdog: rates of the last seconds, and an engine that makes no progress."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.readiness import Readiness
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.telemetry.watchdog import Watchdog
from sentiric_llama.types import EngineStats


class Patient(FakeEngine):
    """An engine whose counters the test writes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = EngineStats()

    def stats(self) -> EngineStats:
        return self.now

    def set(self, **fields: Any) -> None:
        self.now = replace(self.now, **fields)


def test_rates_are_those_of_the_last_ten_seconds() -> None:
    engine, watchdog = Patient(), Watchdog(60)
    assert watchdog.per_second("generated_tokens") is None
    for second in range(30):
        engine.set(generated_tokens=5 * min(second, 20) + 40 * max(second - 20, 0))
        watchdog.beat(engine, 100.0 + second)
        if second == 0:
            assert watchdog.per_second("generated_tokens") is None
        elif second <= 20:
            assert watchdog.per_second("generated_tokens") == 5
    assert watchdog.per_second("generated_tokens") == pytest.approx((9 * 40 + 5) / 10)


def test_a_busy_engine_without_steps_is_stalled_and_recovers() -> None:
    engine, watchdog = Patient(), Watchdog(5)
    engine.set(decoding=1, steps=7)
    stalled = []
    for second in range(8):
        watchdog.beat(engine, float(second))
        stalled.append(watchdog.is_stalled)
    assert stalled == [False] * 6 + [True] * 2
    engine.set(steps=8)
    watchdog.beat(engine, 8.0)
    assert not watchdog.is_stalled


@pytest.mark.parametrize(
    ("timeout_s", "fields"),
    [
        (5, {}),  # nothing to do
        (5, {"queued": 3, "preparing": 1}),  # a prompt may take its time
        (0, {"decoding": 1}),  # switched off
        (5, {"decoding": 1, "step_ms_mean": 60_000.0}),  # its steps are that slow
    ],
)
def test_no_false_alarm(timeout_s: float, fields: Any) -> None:
    engine, watchdog = Patient(), Watchdog(timeout_s)
    engine.set(**fields)
    for second in range(0, 1000, 10):
        watchdog.beat(engine, float(second))
    assert not watchdog.is_stalled


def test_a_stalled_service_is_not_ready_and_keeps_its_work(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        service, engine = LlamaService(Settings(stall_timeout_s=5)), Patient()
        service.beat()  # nothing to look at yet
        service.attach(engine, ServedModel("m"))
        heard: list[Readiness] = []
        service.on_state_change.append(heard.append)
        engine.set(decoding=1)
        for now in (1000.0, 1006.0, 1007.0):
            monkeypatch.setattr("sentiric_llama.service.life.time.monotonic", lambda now=now: now)
            service.beat()
        assert service.state is Readiness.STALLED and not service.is_ready
        service.ready()  # still accepts
        engine.set(steps=1)
        service.beat()
        assert heard == [Readiness.STALLED, Readiness.READY]
        service.begin_drain()
        engine.set(steps=1)
        monkeypatch.setattr("sentiric_llama.service.life.time.monotonic", lambda: 2000.0)
        service.beat()
        assert service.state is Readiness.DRAINING

    asyncio.run(main())
    events = [record for record in caplog.records if vars(record).get("event") == "ENGINE_STALLED"]
    assert len(events) == 2 and vars(events[0])["attributes"] == {"waited_s": 6.0}
