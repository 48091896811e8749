# SPDX-License-Identifier: AGPL-3.0-only
"""The service's life cycle: which models it has, whether it accepts work, how it shuts down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator

from sentiric_llama.engine.protocol import AsyncEngineProtocol, EngineState
from sentiric_llama.errors import SentiricLlamaError, Unavailable
from sentiric_llama.log.events import event
from sentiric_llama.service.models.registry import ModelRegistry
from sentiric_llama.service.models.slot import LoadedModel, ServedModel
from sentiric_llama.service.readiness import NotReady, Readiness
from sentiric_llama.settings.config import Settings
from sentiric_llama.telemetry.watchdog import Watchdog
from sentiric_llama.types import Capacity

logger = logging.getLogger(__name__)


class ServiceLife:
    """Belongs to one event loop. Starts LOADING; `install` makes it ready."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.models = ModelRegistry()
        self.failure: SentiricLlamaError | None = None
        self.in_flight = 0
        self.on_state_change: list[Callable[[Readiness], None]] = []
        """Called on the event loop with every new state, in order. Must not block."""
        self.watchdog = Watchdog(settings.stall_timeout_s)
        self.lost = asyncio.Event()
        """Set when the engine is beyond recovery; the service then ends."""
        self.closed = asyncio.Event()
        """Set when the engine is gone; health watches and other observers then end."""
        self._state = Readiness.LOADING
        self._accepts_work = False
        self._idle = asyncio.Event()
        self._idle.set()

    def attach(self, engine: AsyncEngineProtocol, model: ServedModel) -> None:
        """Installs an engine that was opened elsewhere."""
        self.install(LoadedModel(engine, model, self._settings))

    def install(self, loaded: LoadedModel) -> None:
        """Sends new calls to this model, unless the service is already shutting down.

        Running calls keep the old model, which is closed when the last of them ends.
        """
        self.models.put(loaded)
        loaded.engine.observe(lambda state: self._on_engine(loaded, state))
        self._settings = loaded.settings
        self.watchdog = Watchdog(self._settings.stall_timeout_s)
        if self.state is not Readiness.DRAINING:
            self.failure = None
            self._accepts_work = True
            self._change(Readiness.READY)

    def _on_engine(self, loaded: LoadedModel, state: EngineState) -> None:
        """Follows the engine of the model that new calls get."""
        if loaded is not self.attached or self.state is Readiness.DRAINING:
            return
        if state is EngineState.LOST:
            self._accepts_work = False
            self.fail(Unavailable("the engine process keeps dying", where="engine"))
            self.lost.set()
        elif state is EngineState.RESTARTING:
            self._change(Readiness.RESTARTING)
        else:
            self._change(Readiness.READY)

    async def vacate(self) -> None:
        """Removes the model: refuses new work and lets running calls finish, as in a drain."""
        self._accepts_work = False
        if self.state is not Readiness.DRAINING:
            self._change(Readiness.LOADING)
        await self.models.vacate(self.settings.drain_timeout_s)

    def fail(self, error: SentiricLlamaError) -> None:
        """Records that loading ended without a model."""
        self.failure = error
        self._change(Readiness.FAILED)

    def beat(self) -> None:
        """Samples the engine and detects stalls. Must be called once a second.

        A stalled service is not ready but still accepts work, as the engine may recover.
        """
        if self.attached is None:
            return
        was_stalled, now = self.watchdog.is_stalled, time.monotonic()
        self.watchdog.beat(self.attached.engine, now)
        if self.watchdog.is_stalled and not was_stalled:
            waited = round(now - self.watchdog.moved_at, 1)
            event(logger, "ENGINE_STALLED", "no step", logging.ERROR, waited_s=waited)
        if self.state in (Readiness.READY, Readiness.STALLED):
            self._change(Readiness.STALLED if self.watchdog.is_stalled else Readiness.READY)

    def announce_drain(self) -> None:
        """Reports not ready, so that load balancers stop sending; still accepts work."""
        self._change(Readiness.DRAINING)

    def begin_drain(self) -> None:
        """Refuses new work from now on; running calls may finish."""
        self._accepts_work = False
        self._change(Readiness.DRAINING)

    async def wait_idle(self, timeout_s: float) -> bool:
        """Waits until no call is running. False if `timeout_s` passed first."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Ends running calls with Unavailable and frees the engine. Idempotent."""
        self.begin_drain()
        await self.models.close()
        self.closed.set()

    @property
    def state(self) -> Readiness:
        """The current state, which health probes report."""
        return self._state

    @property
    def is_ready(self) -> bool:
        return self.state is Readiness.READY

    @property
    def settings(self) -> Settings:
        """The settings of the current model; a switch replaces them with the model."""
        return self._settings

    @property
    def capacity(self) -> Capacity:
        """Contexts in use and free. Before a model is loaded: the configured number, none free."""
        if self.attached is None:
            return Capacity(0, self.settings.contexts, 0)
        return self.attached.engine.capacity

    @property
    def attached(self) -> LoadedModel | None:
        """The default model in any state, for observers; None without one."""
        return self.models.default

    @property
    def attached_engine(self) -> AsyncEngineProtocol | None:
        """The engine of `attached`; None without one."""
        return self.attached.engine if self.attached else None

    @property
    def model_name(self) -> str:
        """The name of the default model; "" without one."""
        return self.attached.served.name if self.attached else ""

    @property
    def engine(self) -> AsyncEngineProtocol:
        """The default model's engine. Raises NotReady."""
        return self.ready().engine

    @property
    def model(self) -> ServedModel:
        """The default model as callers see it. Raises NotReady."""
        return self.ready().served

    @contextlib.contextmanager
    def in_use(self, name: str = "") -> Iterator[LoadedModel]:
        """Finds the model of one call and keeps it open until the block ends.

        Raises NotReady or ModelNotFound.
        """
        self.ready()
        loaded = self.models.find(name)
        self.in_flight += 1
        self._idle.clear()
        try:
            with loaded.in_use():
                yield loaded
        finally:
            self.in_flight -= 1
            if self.in_flight == 0:
                self._idle.set()

    def ready(self) -> LoadedModel:
        """The default model, for requests that name none. Raises NotReady if work is refused."""
        if self.state is Readiness.DRAINING and not self._accepts_work:
            raise NotReady("The server is shutting down")
        if self.attached is None or not self._accepts_work:
            raise NotReady("Model is loading or not ready")
        return self.attached

    def _change(self, state: Readiness) -> None:
        if state is not self._state:
            self._state = state
            for listener in self.on_state_change:
                listener(state)
