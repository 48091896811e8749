# SPDX-License-Identifier: AGPL-3.0-only
"""An engine that is not open yet: it plans memory, then opens one model.

The planner and the engine run in the same process: this one, or one that is started for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from sentiric_llama.engine.facts import list_devices
from sentiric_llama.engine.memory.plan import MemoryPlan, check_cache_types, completed, plan_memory
from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.errors import InternalError
from sentiric_llama.host.machine import Budget, memory_budgets
from sentiric_llama.types import Device, EngineConfig


class Opening(Protocol):
    """Belongs to one event loop, except `plan`, `devices` and `budgets`, which block a
    thread."""

    def plan(self, config: EngineConfig) -> MemoryPlan:
        """The memory that a configuration needs. Raises what opening it would raise."""
        ...

    def devices(self) -> list[Device]: ...

    def budgets(self) -> list[Budget]:
        """What memory the process of the engine may still take."""
        ...

    async def open(
        self, config: EngineConfig, on_progress: Callable[[float], None]
    ) -> AsyncEngineProtocol:
        """Opens the engine, once. `on_progress` gets how much is loaded, 0..1, if that is known."""
        ...

    async def abandon(self) -> None:
        """Frees everything, if it was not opened. Idempotent."""


class OpeningHere:
    """Opens the engine in this process."""

    def plan(self, config: EngineConfig) -> MemoryPlan:
        return plan_memory(config)

    def devices(self) -> list[Device]:
        return list_devices()

    def budgets(self) -> list[Budget]:
        return memory_budgets()

    async def open(
        self, config: EngineConfig, on_progress: Callable[[float], None]
    ) -> AsyncEngineProtocol:
        # Imported late: nothing else needs the compiled module.
        from sentiric_llama.engine.aio import AsyncEngine

        return await AsyncEngine.open(config)

    async def abandon(self) -> None:
        pass


class OpeningInProcess:
    """Opens the engine in a process of its own, which is started at once."""

    def __init__(self, client: Any, loop: asyncio.AbstractEventLoop, stall_s: float) -> None:
        self._client = client
        self._loop = loop
        self._stall_s = stall_s
        self._is_open = False

    @classmethod
    async def start(cls, stall_s: float, *configs: EngineConfig) -> OpeningInProcess:
        """Starts a process that may read the files of `configs`.

        Raises InternalError if none can be started.
        """
        from sentiric_llama.engine.process.client import EngineClient, ProcessDied
        from sentiric_llama.engine.process.confinement import confinement_of

        try:
            client = await EngineClient.start(confinement_of(*configs))
        except ProcessDied:
            raise InternalError("the engine process ended as it started", where="engine") from None
        return cls(client, asyncio.get_running_loop(), stall_s)

    def plan(self, config: EngineConfig) -> MemoryPlan:
        from sentiric_llama.engine.messages import PlanMemory

        check_cache_types(config)
        plan = self._ask(PlanMemory, config).plan
        assert plan is not None
        return completed(plan, config)

    def devices(self) -> list[Device]:
        from sentiric_llama.engine.messages import ListDevices

        return list(self._ask(ListDevices).devices or ())

    def budgets(self) -> list[Budget]:
        return memory_budgets(engine=self._client.pid)

    def _ask(self, *question: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(self._asked(*question), self._loop).result()

    async def _asked(self, *question: Any) -> Any:
        from sentiric_llama.engine.process.client import ProcessDied
        from sentiric_llama.engine.process.engine import died_loading
        from sentiric_llama.engine.process.stall_watch import watched

        try:
            with watched(self._client, self._stall_s):
                return await self._client.ask(*question)
        except ProcessDied:
            cause = (await self._client.died).cause
            raise died_loading(f"{cause}, while it planned the memory") from None

    async def open(
        self, config: EngineConfig, on_progress: Callable[[float], None]
    ) -> AsyncEngineProtocol:
        from sentiric_llama.engine.process.engine import ProcessEngine

        self._client.on_progress = on_progress
        engine = await ProcessEngine.open(config, self._client, stall_s=self._stall_s)
        self._is_open = True
        return engine

    async def abandon(self) -> None:
        if not self._is_open:
            await self._client.discard()
