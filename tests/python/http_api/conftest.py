# SPDX-License-Identifier: AGPL-3.0-only
"""A real server on a free port, with an engine that needs no model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from http_client import Reply, request
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.server import listening, servers
from sentiric_llama.service.models.loader import Loader
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.models.switcher import Switcher
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.layers import Given
from sentiric_llama.settings.profiles import Profiles
from sentiric_llama.types import EngineConfig

T = TypeVar("T")
MODEL = "fake-model"
USER = [{"role": "user", "content": "hello"}]


class LocalServer:
    """uvicorn as `serve` configures it, on a thread with a loop of its own."""

    def __init__(self, settings: Settings, engine: Callable[[], FakeEngine], ready: bool) -> None:
        self._settings = settings
        path = Given(settings.profiles_path or "/nowhere", "profiles_path", "test")
        self._profiles = Profiles({"profiles_path": path})
        self._make_engine = engine
        self._ready = ready
        self._started = threading.Event()
        self._stop: asyncio.Event
        self.service: LlamaService
        self.engine: FakeEngine
        self.fail: SentiricLlamaError | None = None
        """What opening another engine ends with."""
        self._listener = listening.bind("127.0.0.1", 0)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))
        self._thread.start()
        assert self._started.wait(10)

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.service = LlamaService(self._settings)
        self.engine = self._make_engine()
        if self._ready:
            self.service.attach(self.engine, ServedModel(MODEL, ("alias",), created=1))
        switcher = Switcher(self.service, Loader(self._open), self._profiles)
        config = servers.http_config(self._settings, self.service, None, switcher)
        self.server = servers.make_http_server(config, self.service)
        running = asyncio.create_task(self.server.serve(sockets=[self._listener]))
        while not self.server.started:
            await asyncio.sleep(0.005)
        self._started.set()
        await self._stop.wait()
        self.server.should_exit = self.server.force_exit = True
        await running

    async def _open(self, config: EngineConfig) -> FakeEngine:
        await asyncio.sleep(0)
        if self.fail is not None:
            raise self.fail
        return self._make_engine()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def num_tasks(self) -> int:
        async def count() -> int:
            return len(asyncio.all_tasks())

        return self.call(count())

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """`body` is sent as JSON unless it is bytes."""
        return request(self.port, method, path, body, headers)

    def get(self, path: str, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("GET", path, headers=named)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Reply:
        return self.request("POST", path, body, headers)

    def chat(self, _messages: Any = USER, **fields: Any) -> Reply:
        return self.post("/v1/chat/completions", {"messages": _messages, **fields})


StartServer = Callable[..., LocalServer]


def start_servers() -> Iterator[StartServer]:
    """`start(engine_factory, ready=True, **settings)` -> a running server."""
    running: list[LocalServer] = []

    def make(
        engine: Callable[[], FakeEngine] = FakeEngine, *, ready: bool = True, **settings: Any
    ) -> LocalServer:
        server = LocalServer(Settings(**settings), engine, ready)
        running.append(server)
        return server

    yield make
    for server in running:
        server.close()


start = pytest.fixture(start_servers)
start_shared = pytest.fixture(scope="module")(start_servers)


@pytest.fixture(scope="module")
def server(start_shared: StartServer) -> LocalServer:
    """One echoing server for tests that only look at answers."""
    return start_shared()
