# SPDX-License-Identifier: AGPL-3.0-only
"""Changing the model of a running service: what moves, what stays, and how it fails."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gguf_files import sound
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import (
    InternalError,
    InvalidArgument,
    ModelInvalid,
    ModelNotFound,
    NumericError,
    OutOfMemory,
    Overloaded,
    Unavailable,
)
from sentiric_llama.server import background
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.models.loader import Loader
from sentiric_llama.service.models.switch import ModelSwitch
from sentiric_llama.service.models.switcher import Switcher
from sentiric_llama.service.readiness import NotReady, Readiness
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.load import resolve_settings
from sentiric_llama.settings.profiles import Profiles
from sentiric_llama.types import Device, EngineConfig, Message

CALL = ChatCall(messages=(Message("user", "hi"),))
NO_MEMORY = OutOfMemory("RAM needs more", where="memory")


class Stage:
    """A service on fake engines; the model "a" answers with its name, and so on."""

    def __init__(self, folder: Path, **flags: Any) -> None:
        for name in ("a", "b", "c"):
            (folder / f"{name}.gguf").write_bytes(sound())
        profiles = {
            name: {"model_id": str(folder / f"{name}.gguf"), "temperature": temperature}
            for name, temperature in (("a", 0.1), ("b", 0.2), ("gone", 0.3))
        }
        self.path = folder / "profiles.json"
        self.path.write_text(json.dumps({"active_profile": "a", "profiles": profiles}))
        resolved = resolve_settings("", profiles_path=str(self.path), **flags)
        self.service = LlamaService(resolved.settings)
        self.states: list[Readiness] = []
        self.service.on_state_change.append(self.states.append)
        self.engines: list[FakeEngine] = []
        self.happened: list[str] = []
        self.failures: dict[str, list[Exception]] = {}
        self.make: Callable[[str], FakeEngine] = lambda name: FakeEngine(name * 40, delay_s=0.002)
        self.gate = asyncio.Event()
        self.gate.set()
        self.loader = Loader(self._open)
        self.switcher = Switcher(self.service, self.loader, Profiles(resolved.above))

    async def _open(self, config: EngineConfig) -> FakeEngine:
        name = Path(config.model_path).stem
        await self.gate.wait()
        alive = "".join(sorted({"closed" if e.closed else "alive" for e in self.engines}))
        self.happened.append(f"open {name} {alive}".strip())
        if failures := self.failures.get(name):
            raise failures.pop(0)
        self.engines.append(self.make(name))
        return self.engines[-1]

    async def start(self) -> None:
        settings = self.service.settings
        self.service.install(await self.loader.load(settings, await self.loader.find(settings)))

    async def switch(self, name: str) -> ModelSwitch:
        """Ordered and waited for."""
        switch = self.switcher.to_profile(name, "test")
        await switch.finished.wait()
        return switch

    async def say(self) -> str:
        return (await self.service.chat(CALL)).choices[0].text

    @property
    def profile(self) -> str:
        return self.service.settings.profile

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.service.request_metrics.switches)


def play(folder: Path, body: Callable[[Stage], Coroutine[Any, Any, None]], **flags: Any) -> None:
    """Runs a test; no task and no open engine may be left over."""

    async def main() -> None:
        stage = Stage(folder, **flags)
        await stage.start()
        await body(stage)
        await stage.switcher.stop()
        await stage.service.close()
        await asyncio.sleep(0)
        assert all(engine.closed for engine in stage.engines)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_new_calls_get_the_new_model_and_running_ones_keep_theirs(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with stage.service.open_chat(CALL) as stream:
            said = [item.delta.text for item in await stream.read()]
            switch = await stage.switch("b")
            assert switch.error is None and switch.result == "ok"
            assert await stage.say() == "b" * 40 and stage.profile == "b"
            assert not stage.engines[0].closed  # a call still uses it
            while not stream.done:
                said += [item.delta.text for item in await stream.read()]
            assert "".join(said) == "a" * 40
        await asyncio.sleep(0.01)
        assert stage.engines[0].closed and not stage.engines[1].closed
        assert stage.service.settings.default_temperature == 0.2
        assert stage.service.model.name == "b"
        assert stage.states == [Readiness.READY] and stage.counts == {"ok": 1}
        assert stage.engines[1].requests[0].max_tokens == 1  # it decoded a token before the flip

    play(tmp_path, body)


def test_gpu_memory_is_what_the_engine_in_use_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "BEAT_S", 0.001)
    monkeypatch.setattr(background, "DEVICES_S", 0.001)

    async def body(stage: Stage) -> None:
        async def told(*free: int) -> None:
            async with asyncio.timeout(30):
                while tuple(device.free for device in stage.service.devices) != free:
                    await asyncio.sleep(0.001)

        stage.make = lambda name: FakeEngine(devices=[Device("X0", "X", "gpu", ord(name), 200)])
        await stage.switch("b")
        watching = asyncio.create_task(background.watch(stage.service))
        await told(ord("b"))
        await stage.switch("a")
        await told(ord("a"))
        await stage.service.vacate()
        await told()
        stage.service.fail(NO_MEMORY)
        assert (await stage.switch("b")).result == "ok"
        await told(ord("b"))
        watching.cancel()
        await asyncio.wait((watching,))

    play(tmp_path, body)


def test_an_engine_that_left_while_it_was_asked_ends_no_sampling(tmp_path: Path) -> None:
    class Leaves(FakeEngine):
        def devices(self) -> list[Device]:
            raise Unavailable("it was closed", where="engine")

    async def body(stage: Stage) -> None:
        stage.service.devices = known = (Device("X0", "X", "gpu", 1, 2),)
        assert await background.update_devices(stage.service, Leaves())
        assert stage.service.devices == known
        stage.make = lambda _name: Leaves()
        await stage.switch("b")
        assert stage.service.attached_engine
        assert not await background.update_devices(stage.service, stage.service.attached_engine)
        assert stage.service.devices == ()

    play(tmp_path, body)


def test_a_shutdown_ends_calls_of_the_old_model_too(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with stage.service.open_chat(CALL) as stream:
            assert (await stage.switch("b")).result == "ok"
            assert stage.service.in_flight == 1 and not await stage.service.wait_idle(0.01)
            await stage.service.close()
            with pytest.raises(Unavailable):
                while not stream.done:
                    await stream.read()
        assert all(engine.closed for engine in stage.engines)

    play(tmp_path, body)


def test_settings_change_after_the_model_and_not_before(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        stage.gate.clear()
        switch = stage.switcher.to_profile("b", "test")
        while switch.phase != "loading":
            await asyncio.sleep(0.001)
        assert stage.profile == "a" and stage.service.settings.default_temperature == 0.1
        assert stage.service.is_ready and await stage.say() == "a" * 40
        stage.gate.set()
        await switch.finished.wait()
        assert stage.profile == "b" and stage.service.settings.default_temperature == 0.2

    play(tmp_path, body)


@pytest.mark.parametrize("error", [ModelInvalid("no weights"), InternalError("x"), ValueError("x")])
def test_a_failure_leaves_the_old_model_untouched(tmp_path: Path, error: Exception) -> None:
    async def body(stage: Stage) -> None:
        before = stage.service.attached
        stage.failures["b"] = [error]
        switch = await stage.switch("b")
        assert switch.error is not None and switch.result == "failed"
        assert stage.service.attached is before and stage.profile == "a"
        assert await stage.say() == "a" * 40
        assert stage.states == [Readiness.READY] and stage.counts == {"failed": 1}
        assert (await stage.switch("b")).result == "ok"  # the next order is a fresh one

    play(tmp_path, body)


def test_a_model_that_cannot_decode_is_not_taken(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        stage.make = lambda _name: FakeEngine(fail=NumericError("the logits are NaN"))
        switch = await stage.switch("b")
        assert isinstance(switch.error, NumericError) and switch.result == "failed"
        assert stage.engines[1].closed and await stage.say() == "a" * 40

    play(tmp_path, body, enable_warm_up=False)


def test_a_file_that_is_not_there_opens_nothing(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        switch = await stage.switch("gone")
        assert isinstance(switch.error, ModelNotFound) and stage.happened == ["open a"]

    play(tmp_path, body)


def test_without_room_for_two_the_old_one_ends_its_calls_and_leaves(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        stage.failures["b"] = [NO_MEMORY]
        async with stage.service.open_chat(CALL) as stream:
            switch = stage.switcher.to_profile("b", "test")
            while switch.phase != "draining":
                await asyncio.sleep(0.001)
            with pytest.raises(NotReady, match="loading"):
                await stage.service.chat(CALL)
            assert stage.service.state is Readiness.LOADING
            said = []
            while not stream.done:
                said += [item.delta.text for item in await stream.read()]
            assert "".join(said) == "a" * 40
        await switch.finished.wait()
        assert switch.result == "ok" and await stage.say() == "b" * 40
        assert stage.happened == ["open a", "open b alive", "open b closed"]
        assert stage.states == [Readiness.READY, Readiness.LOADING, Readiness.READY]

    play(tmp_path, body)


def test_models_that_were_replaced_earlier_leave_with_it(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with stage.service.open_chat(CALL) as stream:
            assert (await stage.switch("b")).result == "ok"  # "a" stays for this call
            stage.failures["a"] = [NO_MEMORY]
            switch = stage.switcher.to_profile("a", "test")
            while not stream.done:
                await stream.read()
        await switch.finished.wait()
        assert switch.result == "ok" and stage.happened[-1] == "open a closed"

    play(tmp_path, body)


def test_the_old_model_does_not_wait_for_ever_to_leave(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        stage.failures["b"] = [NO_MEMORY]
        stage.engines[0].delay_s = 0.05
        async with stage.service.open_chat(CALL) as stream:
            assert (await stage.switch("b")).result == "ok"
            with pytest.raises(Unavailable):
                while not stream.done:
                    await stream.read()

    play(tmp_path, body, drain_timeout_s=0.05)


def test_the_old_model_comes_back_when_the_new_one_fails(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        stage.failures["b"] = [NO_MEMORY, ModelInvalid("no weights")]
        switch = await stage.switch("b")
        assert isinstance(switch.error, ModelInvalid) and switch.result == "rolled_back"
        assert stage.profile == "a" and await stage.say() == "a" * 40
        assert stage.happened[-1] == "open a closed" and len(stage.engines) == 2
        assert stage.states[-1] is Readiness.READY and stage.counts == {"rolled_back": 1}

    play(tmp_path, body)


def test_a_service_that_lost_its_model_can_be_given_one(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        stage.failures["b"] = [NO_MEMORY, NO_MEMORY]
        stage.failures["a"] = [NO_MEMORY]
        switch = await stage.switch("b")
        assert switch.result == "lost" and stage.service.state is Readiness.FAILED
        with pytest.raises(NotReady):
            await stage.service.chat(CALL)
        assert (await stage.switch("b")).result == "ok" and await stage.say() == "b" * 40
        assert stage.counts == {"lost": 1, "ok": 1} and stage.service.failure is None

    play(tmp_path, body)


def test_one_at_a_time(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        stage.gate.clear()
        first = stage.switcher.to_profile("b", "test")
        with pytest.raises(Overloaded, match="under way, to b"):
            stage.switcher.to_profile("a", "test")
        with pytest.raises(Overloaded):
            stage.switcher.to_hardware({}, "test")
        stage.gate.set()
        await first.finished.wait()
        assert first.result == "ok" and (await stage.switch("a")).result == "ok"

    play(tmp_path, body)


def test_a_shutdown_ends_it(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        stage.gate.clear()
        switch = stage.switcher.to_profile("b", "test")
        while switch.phase != "loading":
            await asyncio.sleep(0.001)
        await stage.switcher.stop()
        assert isinstance(switch.error, Unavailable) and switch.finished.is_set()
        stage.service.begin_drain()
        with pytest.raises(NotReady, match="while draining"):
            stage.switcher.to_profile("b", "test")

    play(tmp_path, body)


def test_a_wrong_name_orders_nothing(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        with pytest.raises(InvalidArgument, match="no profile zzz; available: a, b, gone"):
            stage.switcher.to_profile("zzz", "test")
        assert stage.service.switch is None and not stage.counts

    play(tmp_path, body)


def test_the_file_is_read_when_it_is_needed(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        found = json.loads(stage.path.read_text())
        found["profiles"]["c"] = {"model_id": str(tmp_path / "c.gguf"), "contexts": 1}
        stage.path.write_text(json.dumps(found))
        with pytest.raises(InvalidArgument, match=r"profile c in .*: unknown key contexts; did"):
            stage.switcher.to_profile("c", "test")
        found["profiles"]["c"] = {"model_id": str(tmp_path / "c.gguf"), "max_batch_size": 0}
        stage.path.write_text(json.dumps(found))
        with pytest.raises(InvalidArgument, match=r"max_batch_size of profile c .*: got 0"):
            stage.switcher.to_profile("c", "test")
        found["profiles"]["c"] = {"model_id": str(tmp_path / "c.gguf"), "max_batch_size": 2}
        stage.path.write_text(json.dumps(found))
        assert (await stage.switch("c")).result == "ok" and stage.service.settings.contexts == 2

    play(tmp_path, body)


def test_what_the_start_said_wins_but_for_the_model(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        assert stage.service.model.name == "c"  # as the command line said
        first = stage.service.attached
        assert first and first.config and first.config.draft_model == str(tmp_path / "a.gguf")
        assert (await stage.switch("b")).result == "ok"
        settings, loaded = stage.service.settings, stage.service.attached
        assert loaded and loaded.config and loaded.config.draft_model == ""  # made for the other
        assert (first.config.speculation, loaded.config.speculation) == ("draft", "auto")
        assert stage.service.model.name == "b" and settings.model_sha256 == ()
        assert settings.default_temperature == 0.9 and settings.default_top_k == 40

    digest = hashlib.sha256(sound()).hexdigest()
    play(
        tmp_path, body, model_path=str(tmp_path / "c.gguf"), model_sha256=digest,
        draft_model=str(tmp_path / "a.gguf"), speculation="draft", default_temperature=0.9,
    )  # fmt: skip


def test_guesses_from_text_stay_asked_for_when_the_model_changes(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        assert (await stage.switch("b")).result == "ok"
        loaded = stage.service.attached
        assert loaded and loaded.config and loaded.config.speculation == "ngram"

    play(tmp_path, body, model_path=str(tmp_path / "c.gguf"), speculation="ngram")


def test_hardware_keeps_model_and_profile(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        with pytest.raises(InvalidArgument, match="gpu_layers: got 'many', allowed"):
            stage.switcher.to_hardware({"gpu_layers": "many"}, "test")
        switch = stage.switcher.to_hardware({"gpu_layers": 3, "context_size": 777}, "test")
        await switch.finished.wait()
        assert switch.result == "ok" and stage.profile == "a"
        settings, loaded = stage.service.settings, stage.service.attached
        assert (settings.gpu_layers, settings.default_temperature) == (3, 0.1)
        assert loaded and loaded.config and loaded.config.context_size == 777
        assert (await stage.switch("a")).result == "ok"  # the profile's own numbers again
        assert stage.service.settings.gpu_layers == Settings().gpu_layers

    play(tmp_path, body)
