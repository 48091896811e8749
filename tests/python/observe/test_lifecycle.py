# SPDX-License-Identifier: AGPL-3.0-only
"""Warm-up before readiness, and the order of things after a signal, with a fake engine."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gguf_files import sound
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import NotSupported, NumericError, SentiricLlamaError, Unavailable
from sentiric_llama.models import ModelFile
from sentiric_llama.server import background, listening, loading, serve
from sentiric_llama.server.drain import StopSignals, drain
from sentiric_llama.server.places import Places
from sentiric_llama.server.systemd import Notifier
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.models.loader import Loader
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.readiness import Readiness
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import EngineConfig, Message

PLACES = Places("http://x", "grpc://x", "http://x, grpc://x")
CALL = ChatCall(messages=(Message("user", "hi"),))


def listen() -> asyncio.Future[Places]:
    """All servers listen at once."""
    future: asyncio.Future[Places] = asyncio.get_running_loop().create_future()
    future.set_result(PLACES)
    return future


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(sound())
    return path


def load(model: Path, engine: FakeEngine, **settings: Any) -> tuple[LlamaService, list[Readiness]]:
    """The service after loading `engine`, and the states it went through."""
    states: list[Readiness] = []

    async def open_engine(_config: EngineConfig) -> FakeEngine:
        return engine

    async def main() -> LlamaService:
        service = LlamaService(Settings(model_path=str(model), **settings))
        service.on_state_change.append(states.append)
        await loading.load(service, Loader(open_engine), listen())
        return service

    return asyncio.run(main()), states


def test_one_token_is_decoded_before_it_is_ready(model: Path) -> None:
    engine = FakeEngine("0123")
    service, states = load(model, engine)
    (request,) = engine.requests
    assert request.max_tokens == 1 and len(request.tokens) == 1
    assert engine.stats().generated_tokens == 1
    assert states == [Readiness.READY]
    assert service.attached and service.attached.load_seconds is not None
    assert not service.request_metrics.total.requests  # nobody asked for it


def test_warm_up_can_be_switched_off(model: Path) -> None:
    engine = FakeEngine()
    assert load(model, engine, enable_warm_up=False)[0].is_ready and not engine.requests


def test_a_model_that_only_embeds_is_ready(model: Path) -> None:
    engine = FakeEngine(fail=NotSupported("does not generate"))
    assert load(model, engine)[0].is_ready


def test_a_model_that_cannot_decode_is_never_ready(model: Path) -> None:
    engine = FakeEngine(fail=NumericError("the logits are NaN"))
    states: list[Readiness] = []

    async def open_engine(_config: EngineConfig) -> FakeEngine:
        return engine

    async def main() -> None:
        service = LlamaService(Settings(model_path=str(model)))
        service.on_state_change.append(states.append)
        with pytest.raises(NumericError):
            await loading.load(service, Loader(open_engine), listen())

    asyncio.run(main())
    assert states == [Readiness.FAILED] and engine.closed


def load_early(
    model: Path,
    engine: FakeEngine,
    check: Callable[
        [LlamaService, asyncio.Task[None], asyncio.Future[Places]], Coroutine[Any, Any, None]
    ],
) -> None:
    """Runs `check` when the model is there and the servers are not listening yet."""

    async def open_engine(_config: EngineConfig) -> FakeEngine:
        return engine

    async def main() -> None:
        service = LlamaService(Settings(model_path=str(model)))
        listening: asyncio.Future[Places] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(loading.load(service, Loader(open_engine), listening))
        while not engine.stats().generated_tokens:
            await asyncio.sleep(0.001)
        await check(service, task, listening)

    asyncio.run(main())


def test_it_is_ready_when_all_servers_listen(model: Path) -> None:
    """However early the model is there."""
    engine = FakeEngine("0123")

    async def check(
        service: LlamaService, task: asyncio.Task[None], listening: asyncio.Future[Places]
    ) -> None:
        await asyncio.wait((task,), timeout=0.05)
        assert not task.done() and not service.is_ready
        listening.set_result(PLACES)
        await task
        assert service.is_ready and not engine.closed

    load_early(model, engine, check)


def test_a_model_is_closed_if_the_servers_cannot_listen(model: Path) -> None:
    engine = FakeEngine()

    async def check(
        service: LlamaService, task: asyncio.Task[None], listening: asyncio.Future[Places]
    ) -> None:
        await serve.end(task)
        assert task.cancelled() and not service.is_ready

    load_early(model, engine, check)
    assert engine.closed


@pytest.mark.parametrize(
    ("settings", "is_early"),
    [
        ({"model_id": "org/repo"}, False),
        ({"model_path": "x", "draft_model": "org/d"}, False),
        ({"model_path": "x"}, True),
        ({"model_id": "guide"}, True),
    ],
)
def test_the_hub_is_asked_when_the_servers_have_been_imported(
    settings: dict[str, str], is_early: bool
) -> None:
    """Its library is imported on a thread; two threads must not import at the same time."""
    asked: list[Settings] = []

    class Hub(Loader):
        async def find(self, settings: Settings, _report: Any = None) -> ModelFile:
            asked.append(settings)
            raise Unavailable("the hub is down", where="model")

    async def main() -> None:
        service = LlamaService(Settings.model_validate(settings))
        listening: asyncio.Future[Places] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(loading.load(service, Hub(), listening))
        await asyncio.wait((task,), timeout=0.05)
        assert bool(asked) == is_early
        if not is_early:
            listening.set_result(PLACES)
        with pytest.raises(Unavailable, match="the hub is down"):
            await task

    asyncio.run(main())
    assert len(asked) == 1


class Ending:
    """A drain seen from outside: what happened, in order."""

    def __init__(self, number: signal.Signals, **settings: Any) -> None:
        self.number = number
        self.settings = Settings(**settings)
        self.seen: list[str] = []

    async def run(self, *, calls: int = 0, again: bool = False, delay_s: float = 0.01) -> None:
        service = LlamaService(self.settings)
        service.attach(FakeEngine("0123456789", delay_s=delay_s), ServedModel("m"))
        service.on_state_change.append(lambda state: self.seen.append(state.value))
        running = [asyncio.create_task(self._call(service)) for _ in range(calls)]
        while service.in_flight < calls:
            await asyncio.sleep(0)
        stop = StopSignals()
        stop.trigger(self.number)
        draining = asyncio.create_task(drain(service, stop))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.seen.append(await self._try(service))
        if again:
            stop.trigger(self.number)
        await asyncio.gather(draining, *running)
        stop.close()
        assert service.closed.is_set() and service.in_flight == 0

    async def _try(self, service: LlamaService) -> str:
        try:
            service.ready()
        except SentiricLlamaError:
            return "refused"
        return "accepted"

    async def _call(self, service: LlamaService) -> None:
        try:
            result = await service.chat(CALL)
            self.seen.append(result.choices[0].ending)
        except Unavailable as error:
            self.seen.append(error.code.value)


@pytest.mark.parametrize(
    ("number", "settle_s", "then"),
    [
        (signal.SIGTERM, 0.05, "accepted"),
        (signal.SIGTERM, 0, "refused"),
        (signal.SIGINT, 60, "refused"),  # a person at a terminal does not wait
    ],
)
def test_settling(number: signal.Signals, settle_s: float, then: str) -> None:
    ending = Ending(number, drain_settle_s=settle_s)
    asyncio.run(ending.run(calls=2))
    assert ending.seen == ["draining", then, "stop", "stop"]


def test_a_second_signal_ends_settling_and_all() -> None:
    ending = Ending(signal.SIGTERM, drain_settle_s=60, drain_timeout_s=60)
    asyncio.run(ending.run(calls=2, again=True, delay_s=0.2))
    assert ending.seen == ["draining", "accepted", "unavailable", "unavailable"]


def test_time_ends_all() -> None:
    ending = Ending(signal.SIGINT, drain_timeout_s=0.05)
    asyncio.run(ending.run(calls=2, delay_s=0.2))
    assert ending.seen == ["draining", "refused", "unavailable", "unavailable"]


def test_a_taken_metrics_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"{port}: .* with METRICS_PORT in x"):
            listening.bind("127.0.0.1", port, "HOST", "METRICS_PORT in x")


@pytest.mark.parametrize("beats", [1, 3])
def test_systemd_hears_of_a_whole_run(
    beats: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    monkeypatch.setattr(background, "BEAT_S", 0.001)

    async def main() -> list[str]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
            bound.bind(path)
            bound.setblocking(False)
            loop, heard = asyncio.get_running_loop(), []
            service = LlamaService(Settings())
            async with background.background_tasks(service):
                for _ in range(beats):
                    heard.append((await loop.sock_recv(bound, 4096)).decode())
                service.attach(FakeEngine(), ServedModel("m"))
                while "READY=1" not in heard[-1]:
                    heard.append((await loop.sock_recv(bound, 4096)).decode())
            return heard

    heard = asyncio.run(main())
    assert len(heard) > beats and all("WATCHDOG=1" in text for text in heard[:-1])


def test_a_blocked_event_loop_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "BEAT_S", 0.001)
    lags: list[float] = []

    class Beats(Notifier):
        def on_beat(self) -> None:
            lags.append(service.request_metrics.loop_lag_s)

    async def main() -> None:
        beating = asyncio.create_task(background.beat(service, Beats(service, "")))
        while not lags:
            await asyncio.sleep(0)
        time.sleep(0.1)
        while max(lags) < 0.05:
            await asyncio.sleep(0)
        beating.cancel()

    service = LlamaService(Settings())
    asyncio.run(main())
    assert len(lags) >= 2 and lags[0] == 0
