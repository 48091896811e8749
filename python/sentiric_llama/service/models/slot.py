# SPDX-License-Identifier: AGPL-3.0-only
"""Holds a loaded model that can be replaced at any time; running calls keep the old one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from sentiric_llama.engine.formats.model_format import ModelFormat
from sentiric_llama.engine.prompt.template_probe import find_model_format
from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.log.events import event
from sentiric_llama.service.prompt.fair_turns import FairTurns
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import EngineConfig

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A loaded model as callers see it. `created` is in seconds since 1970."""

    name: str
    aliases: tuple[str, ...] = ()
    notice: str = ""
    """One ASCII line for callers. The built-in guide's says how to use a real model."""
    created: int = 0

    answers_to_all: bool = False
    """It also answers to names that no model has."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, and then its aliases."""
        return (self.name, *self.aliases)

    def answers_to(self, name: str) -> bool:
        return name in self.names


class LoadedModel:
    """An engine, everything that changes with it, and the number of calls that use it."""

    def __init__(
        self,
        engine: AsyncEngineProtocol,
        served: ServedModel,
        settings: Settings,
        config: EngineConfig | None = None,
    ) -> None:
        """`config` opened the engine; without it the model cannot be reopened."""
        self.engine = engine
        self.served = served
        self.settings = settings
        self.config = config
        self.embedding = FairTurns()
        """Portions of inputs, one at a time: the engine, where more would wait, knows no keys."""
        self.load_seconds: float | None = None
        """Time to open the engine and to decode a first token, without the download."""
        self.calls = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self._format: ModelFormat | None = None

    async def format(self) -> ModelFormat:
        """How the model writes its answers; found out at the first call."""
        if self._format is None:
            self._format = await find_model_format(self.engine)
        return self._format

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Keeps the engine open until the block ends."""
        self.calls += 1
        self.idle.clear()
        try:
            yield
        finally:
            self.calls -= 1
            if not self.calls:
                self.idle.set()


class ModelSlot:
    """Holds one model for new calls, and older ones until their last call ends."""

    def __init__(self) -> None:
        self.current: LoadedModel | None = None
        self._leaving: dict[asyncio.Task[None], LoadedModel] = {}

    def put(self, loaded: LoadedModel) -> None:
        """Gives `loaded` to new calls."""
        before, self.current = self.current, loaded
        if before is not None:
            task = asyncio.create_task(_close_when_idle(before))
            self._leaving[task] = before
            task.add_done_callback(self._leaving.pop)

    async def vacate(self, timeout_s: float) -> None:
        """Closes every model when all are idle, or after `timeout_s`."""
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
