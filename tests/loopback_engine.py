# SPDX-License-Identifier: AGPL-3.0-only
"""`LoopbackEngine`: the engine protocol over encoded messages, as if in another process.

`LoopbackEngine` is what a service talks to. `EngineServer` runs a fake engine at the other end.
Nothing but bytes passes between them, and the counts, as through memory that both map.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from array import array
from collections.abc import Callable
from typing import Any

from sentiric_llama.engine import messages as m
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.engine.memory.plan import DevicePlan, MemoryPlan
from sentiric_llama.engine.process.queries import MessageQueries
from sentiric_llama.engine.protocol import EngineState
from sentiric_llama.engine.stream import WINDOW, AsyncStream, StreamItem
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.types import (
    Capacity,
    Device,
    EngineConfig,
    EngineStats,
    ModelInfo,
    Request,
)


class EngineServer:
    """Drives an engine by commands and sends its messages."""

    def __init__(self, engine: FakeEngine, send: Callable[[bytes], None]) -> None:
        self._engine = engine
        self._send = send
        self._credits: dict[int, asyncio.Semaphore] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.received: list[Any] = []

    def receive(self, data: bytes) -> None:
        command = m.decode_command(data)
        self.received.append(command)
        if isinstance(command, m.Submit):
            self._credits[command.stream] = asyncio.Semaphore(command.window)
            self._start(command.stream, self._generate(command.stream, command.request))
        elif isinstance(command, m.Grant):
            for _ in range(command.tokens):
                self._credits[command.stream].release()
        elif isinstance(command, m.Cancel | m.Leave):
            number = command.stream if isinstance(command, m.Cancel) else command.call
            if task := self._tasks.pop(number, None):
                task.cancel()
        else:
            self._start(command.call, self._answer(command))

    def kinds(self) -> list[str]:
        """The kinds of all received commands, in order."""
        return [command.kind for command in self.received]

    def _start(self, number: int, work: Any) -> None:
        self._tasks[number] = asyncio.create_task(work)

    async def _generate(self, number: int, request: Request) -> None:
        credit = self._credits[number]
        try:
            self._engine.admit(request)
            async with contextlib.aclosing(self._engine.deltas(request)) as deltas:
                async for delta in deltas:
                    for _ in delta.tokens:
                        await credit.acquire()
                    self._step(((number, delta),), ())
        except SentiricLlamaError as error:
            self._step((), ((number, m.Failure.of(error)),))

    def _step(self, deltas: Any, failures: Any) -> None:
        self._send(m.encode_message(m.Step(deltas, failures)))

    def counts(self) -> tuple[EngineStats, Capacity]:
        return self._engine.stats(), self._engine.capacity

    async def _answer(self, command: Any) -> None:
        try:
            answer = m.Answer(command.call, **await self._found(command))
        except SentiricLlamaError as error:
            answer = m.Answer(command.call, failure=m.Failure.of(error))
        self._send(m.encode_message(answer))

    async def _found(self, command: Any) -> dict[str, Any]:
        """The field of the answer that a command asks for."""
        engine = self._engine
        match command:
            case m.Tokenize(text=text, add_special=add, parse_special=parse):
                ids = await engine.tokenize_to_array(text, add_special=add, parse_special=parse)
                return {"tokens": ids.tobytes()}
            case m.TokenizeChat(messages=messages):
                ids = await engine.tokenize_chat(messages, **_conversation(command))
                return {"tokens": array("i", ids).tobytes()}
            case m.Render(messages=messages):
                return {"text": await engine.render_chat(messages, **_conversation(command))}
            case m.DescribeChat(request=request):
                shown = await engine.describe_chat(request)
                begins = (
                    -1 if at is None else len(shown.text[:at].encode())
                    for at in shown.message_begins
                )
                tokens = array("i", shown.tokens).tobytes()
                return {"text": shown.text, "tokens": tokens, "begins": tuple(begins), "cached": 0}
            case m.Detokenize(tokens=tokens, as_pieces=True):
                return {"pieces": tuple(await engine.token_bytes(array("i", tokens)))}
            case m.Detokenize(tokens=tokens, show_special=show):
                return {"text": await engine.detokenize(array("i", tokens), show_special=show)}
            case m.Embed(texts=texts, prompts=prompts):
                rows = await engine.embed(texts, [array("i", ids) for ids in prompts])
                return {"rows": (rows.shape[1], rows.tobytes())}
            case m.Open():
                return {"info": engine.info}
            case m.PlanMemory(config=config):
                return {"plan": planned(config)}
            case m.ListDevices():
                return {"devices": tuple(engine.devices())}
        raise AssertionError(f"a command without an answer: {command}")


def _conversation(command: m.Render | m.TokenizeChat) -> dict[str, Any]:
    names = ("tools", "template_arguments", "continues", "add_generation_prompt")
    return {name: getattr(command, name) for name in names}


def planned(config: EngineConfig) -> MemoryPlan:
    """A plan as an engine would make it; the fake has no memory to plan."""
    host = DevicePlan("host", config.contexts, config.context_size, 1, 2, 3)
    return MemoryPlan(config.contexts, config.context_size, 4096, (host,))


class _Stream(AsyncStream):
    def __init__(self, engine: LoopbackEngine, request: Request, wakeup: Any) -> None:
        super().__init__(wakeup)
        self._engine = engine
        self._request = request
        self.number = next(engine.numbers)

    async def _submit(self) -> None:
        self._engine.streams[self.number] = self
        self._engine.send(m.Submit(self.number, self._request, WINDOW))

    def _grant(self, tokens: int) -> None:
        self._engine.send(m.Grant(self.number, tokens))

    def _cancel(self) -> None:
        self._engine.streams.pop(self.number, None)
        self._engine.send(m.Cancel(self.number))

    def put(self, item: StreamItem) -> None:
        self._buffer.put(item)
        self._buffer.wakeup.set()


class LoopbackEngine(MessageQueries):
    """Implements `AsyncEngineProtocol` by sending commands and receiving messages."""

    def __init__(self, engine: FakeEngine) -> None:
        self._loop = asyncio.get_running_loop()
        self.numbers = itertools.count(1)
        self.streams: dict[int, _Stream] = {}
        self._answers: dict[int, asyncio.Future[m.Answer]] = {}
        self.server = EngineServer(engine, self._receive)

    @classmethod
    async def open(cls, engine: FakeEngine) -> LoopbackEngine:
        loopback = cls(engine)
        info = (await loopback.ask(m.Open, EngineConfig("fake.gguf"))).info
        assert info is not None
        loopback._info = info
        return loopback

    def send(self, command: Any) -> None:
        self.server.receive(m.encode_command(command))

    def _receive(self, data: bytes) -> None:
        message = m.decode_message(data)
        if isinstance(message, m.Answer):
            self._answers.pop(message.call).set_result(message)
        else:
            for number, delta in message.deltas:
                if stream := self.streams.get(number):
                    stream.put(delta)
            for number, failure in message.failures:
                if stream := self.streams.get(number):
                    stream.put(failure.as_error())

    async def ask(self, make: Any, *values: Any, **options: Any) -> m.Answer:
        call = next(self.numbers)
        self._answers[call] = asyncio.get_running_loop().create_future()
        future = self._answers[call]
        self.send(make(call, *values, **options))
        answer = await future
        if answer.failure is not None:
            raise answer.failure.as_error()
        return answer

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def capacity(self) -> Capacity:
        return self.server.counts()[1]

    @property
    def state(self) -> EngineState:
        return EngineState.RUNNING

    @property
    def process(self) -> None:
        return None

    def observe(self, changed: Callable[[EngineState], None]) -> None:
        return None

    def stats(self) -> EngineStats:
        return self.server.counts()[0]

    def check_room(self) -> None:
        return None

    def devices(self) -> list[Device]:
        """On a thread, as the protocol says: the loop delivers the answer meanwhile."""
        asked = asyncio.run_coroutine_threadsafe(self.ask(m.ListDevices), self._loop)
        return list(asked.result(timeout=30).devices or ())

    async def plan(self, config: EngineConfig) -> MemoryPlan | None:
        return (await self.ask(m.PlanMemory, config)).plan

    def submit(self, request: Request, wakeup: asyncio.Event | None = None) -> AsyncStream:
        return _Stream(self, request, wakeup)

    async def adapters(self) -> list[str]:
        return []

    async def close(self) -> None:
        return None
