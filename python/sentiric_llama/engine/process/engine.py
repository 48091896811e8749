# SPDX-License-Identifier: AGPL-3.0-only
"""`ProcessEngine`: the engine protocol over an engine process that may die."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sentiric_llama.engine import messages as m
from sentiric_llama.engine.facts import check_generation
from sentiric_llama.engine.process.client import EngineClient, ProcessDied, encoded
from sentiric_llama.engine.process.confinement import confinement_of
from sentiric_llama.engine.process.live_request import LiveRequest, with_seed
from sentiric_llama.engine.process.queries import MessageQueries
from sentiric_llama.engine.process.stall_watch import watched
from sentiric_llama.engine.process.supervisor import Supervisor
from sentiric_llama.engine.prompt.conversation import is_large
from sentiric_llama.engine.protocol import EngineState, ProcessFacts
from sentiric_llama.engine.stream import AsyncStream, StreamItem
from sentiric_llama.errors import InternalError, Overloaded, SentiricLlamaError
from sentiric_llama.host.off_loop import LARGE_TEXT, maybe_off_loop
from sentiric_llama.models import AdapterFiles, check_model
from sentiric_llama.types import (
    Capacity,
    Device,
    EngineConfig,
    EngineStats,
    ModelInfo,
    Request,
)
from sentiric_llama.types.queue import Line, QueuePlace, queue_places, room_ms


class ProcessStream(AsyncStream):
    """A request of an engine process. It outlives the process."""

    def __init__(
        self, engine: ProcessEngine, request: Request, wakeup: asyncio.Event | None = None
    ) -> None:
        super().__init__(wakeup)
        self._engine = engine
        self._request = request
        self._number = 0

    async def _submit(self) -> None:
        self._number = await self._engine.admit(self._request, self._put)

    def _put(self, item: StreamItem) -> None:
        self._buffer.put(item)
        self._buffer.wakeup.set()

    @property
    def place(self) -> QueuePlace | None:
        return self._engine.line.place_of(self._number)

    def _grant(self, tokens: int) -> None:
        self._engine.grant(self._number, tokens)

    def _cancel(self) -> None:
        if self._number:
            self._engine.cancel(self._number)


class ProcessEngine(MessageQueries):
    """Implements `AsyncEngineProtocol`. Belongs to the event loop that opened it."""

    def __init__(
        self, config: EngineConfig, info: ModelInfo, client: EngineClient, stall_s: float
    ) -> None:
        self._config = config
        self._info = info
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._adapters = AdapterFiles(config.lora_dir, check_model(Path(config.model_path)))
        self._numbers = itertools.count(1)
        self._supervisor = Supervisor(config, client, self._numbers, stall_s)
        self.line = Line(self._waiting, self.stats, info.contexts)

    @classmethod
    async def open(
        cls,
        config: EngineConfig,
        client: EngineClient | None = None,
        *,
        stall_s: float = 30.0,
    ) -> ProcessEngine:
        """Loads a model in `client`'s process or in a new one.

        `stall_s`: how long work may stand still before the process is replaced; 0 for ever.
        """
        await asyncio.to_thread(check_model, Path(config.model_path))
        try:
            client = client or await EngineClient.start(confinement_of(config))
            with watched(client, stall_s):
                opened = await client.ask(m.Open, config)
            assert opened.info is not None
            return cls(config, opened.info, client, stall_s)
        except ProcessDied:
            cause = (await client.died).cause if client is not None else "it could not start"
            raise died_loading(cause) from None
        except BaseException:
            if client is not None:
                await client.discard()
            raise

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def capacity(self) -> Capacity:
        client = self._supervisor.client
        if client is not None:
            return client.page.capacity()
        active = min(len(self._supervisor.live), self._info.contexts)
        return Capacity(active, self._info.contexts, 0)

    def _waiting(self) -> list[int]:
        client = self._supervisor.client
        return client.page.line() if client is not None else []

    @property
    def state(self) -> EngineState:
        return self._supervisor.state

    @property
    def failure(self) -> SentiricLlamaError | None:
        """Why the engine is lost."""
        return self._supervisor.failure

    @property
    def pid(self) -> int:
        """The process that has the model now; 0 between two."""
        client = self._supervisor.client
        return client.pid if client is not None else 0

    @property
    def process(self) -> ProcessFacts:
        found = self._supervisor
        return ProcessFacts(self.pid, found.restarts, found.resubmitted, found.suspects.num_refused)

    def observe(self, changed: Callable[[EngineState], None]) -> None:
        self._supervisor.observers.append(changed)

    def stats(self) -> EngineStats:
        return self._supervisor.counts.stats(self._supervisor.client)

    def check_room(self) -> None:
        self._supervisor.check_open()
        contexts = self._info.contexts
        most = contexts + queue_places(self._config.queue_limit, contexts)
        num_live = len(self._supervisor.live)
        if num_live < most:
            return
        self._supervisor.counts.requests.rejected += 1
        error = Overloaded(
            f"the queue is full; got {num_live} requests running and waiting, allowed {most}",
            where="queue",
        )
        error.retry_ms = room_ms(num_live - contexts, self.stats().request_ms_mean, contexts)
        raise error

    def devices(self) -> list[Device]:
        asked = asyncio.run_coroutine_threadsafe(self.ask(m.ListDevices), self._loop)
        return list(asked.result().devices or ())

    def submit(self, request: Request, wakeup: asyncio.Event | None = None) -> AsyncStream:
        return ProcessStream(self, request, wakeup)

    async def admit(self, request: Request, put: Callable[[StreamItem], None]) -> int:
        """Takes a request. Returns its number; raises what it is refused with."""
        check_generation(self._info)
        self.check_room()
        if request.adapters:
            names = [name for name, _ in request.adapters]
            await asyncio.to_thread(self._adapters.check, names)
        live = LiveRequest(next(self._numbers), with_seed(request), put)
        is_long = is_large(request.messages, request.tools)
        size_matters = is_long or len(request.text) > LARGE_TEXT
        command = await maybe_off_loop(size_matters, encoded, live.command())
        self.check_room()  # others may have come meanwhile
        self._supervisor.admit(live, command)
        return live.number

    def grant(self, number: int, tokens: int) -> None:
        self._supervisor.grant(number, tokens)

    def cancel(self, number: int) -> None:
        """Thread-safe: the garbage collector may drop a stream on any thread."""
        if threading.get_ident() == self._thread:
            self._supervisor.cancel(number)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._supervisor.cancel, number)

    async def adapters(self) -> list[str]:
        return await asyncio.to_thread(self._adapters.names)

    async def ask(self, make: Any, *values: Any, **options: Any) -> m.Answer:
        return await self._supervisor.call(make, *values, **options)

    async def close(self) -> None:
        await self._supervisor.close()


def died_loading(cause: str) -> SentiricLlamaError:
    """The error of a model whose loading ended the process."""
    return InternalError(f"the engine process ended while it loaded the model: {cause}",
                         where="model")  # fmt: skip
