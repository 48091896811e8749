# SPDX-License-Identifier: AGPL-3.0-only
"""A model that answers. It can be exchanged at any moment: a call keeps the one it began with."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.log.events import event
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import EngineConfig

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """The loaded model as callers see it. `created` is in seconds since 1970."""

    name: str
    aliases: tuple[str, ...] = ()
    notice: str = ""
    """One line for callers, in ASCII; the built-in guide says here how to use a real model."""
    created: int = 0

    def answers_to(self, name: str) -> bool:
        return name == self.name or name in self.aliases


class LoadedModel:
    """An engine with everything that changes together with it, and the calls that use it."""

    def __init__(
        self,
        engine: AsyncEngineProtocol,
        served: ServedModel,
        settings: Settings,
        config: EngineConfig | None = None,
    ) -> None:
        """`config` is what opened the engine; without it a model cannot be brought back."""
        self.engine = engine
        self.served = served
        self.settings = settings
        self.config = config
        self.load_seconds: float | None = None
        """From the start of loading to readiness."""
        self.calls = 0
        self.idle = asyncio.Event()
        self.idle.set()

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """The engine stays open at least until the block is left."""
        self.calls += 1
        self.idle.clear()
        try:
            yield
        finally:
            self.calls -= 1
            if not self.calls:
                self.idle.set()


class ModelSlot:
    """Holds one model for new calls, and those before it until their last call ended."""

    def __init__(self) -> None:
        self.current: LoadedModel | None = None
        self._leaving: dict[asyncio.Task[None], LoadedModel] = {}

    def put(self, loaded: LoadedModel) -> None:
        """From now on new calls get `loaded`."""
        before, self.current = self.current, loaded
        if before is not None:
            task = asyncio.create_task(_close_when_idle(before))
            self._leaving[task] = before
            task.add_done_callback(self._leaving.pop)

    async def vacate(self, timeout_s: float) -> None:
        """Closes every model as soon as all are idle, at the latest after `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                for loaded in self._all():
                    await loaded.idle.wait()
        await self.close()

    async def close(self) -> None:
        """Closes every model now. Idempotent."""
        loaded, self.current = self._all(), None
        for task in list(self._leaving):
            task.cancel()
        await asyncio.gather(*map(_close, loaded))

    def _all(self) -> list[LoadedModel]:
        return [*self._leaving.values(), *([self.current] if self.current else [])]


async def _close_when_idle(loaded: LoadedModel) -> None:
    await loaded.idle.wait()
    await _close(loaded)


async def _close(loaded: LoadedModel) -> None:
    cut_off = loaded.calls
    await loaded.engine.close()
    event(logger, "MODEL_CLOSED", loaded.served.name, cut_off=cut_off)
