# SPDX-License-Identifier: AGPL-3.0-only
"""An engine behind two pipes of bytes: what the engine process will be, in one process.

`LoopbackEngine` is what the service talks to, `Behind` what stands at the other end. Nothing but
encoded messages passes between them.
"""

from __future__ import annotations

import asyncio
import itertools
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from sentiric_llama.engine import messages as m
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.engine.protocol import FloatArray
from sentiric_llama.engine.stream import WINDOW, AsyncStream
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.types import Capacity, Device, EngineStats, Message, ModelInfo, Request


class Behind:
    """Drives an engine by messages; says what became of all streams, once a turn."""

    def __init__(self, engine: FakeEngine, send: Any) -> None:
        self._engine = engine
        self._send = send
        self._streams: dict[int, tuple[AsyncStream, asyncio.Task[None]]] = {}
        self.received: list[str] = []
        send(m.encode_news(m.Opened(engine.info)))

    def receive(self, data: bytes) -> None:
        command = m.decode_command(data)
        self.received.append(command.kind)
        getattr(self, f"_on_{command.kind}", self._on_question)(command)

    def _on_submit(self, command: m.Submit) -> None:
        assert command.window == WINDOW
        stream = self._engine.submit(command.request)
        task = asyncio.create_task(self._read(command.stream, stream))
        self._streams[command.stream] = (stream, task)

    def _on_grant(self, command: m.Grant) -> None:
        if command.stream in self._streams:
            self._streams[command.stream][0]._grant(command.tokens)

    def _on_cancel(self, command: m.Cancel) -> None:
        if found := self._streams.pop(command.stream, None):
            found[1].cancel()
            found[0].close()

    def _on_question(self, command: Any) -> None:
        self._pending = asyncio.create_task(self._answer(command))

    async def _read(self, number: int, stream: AsyncStream) -> None:
        """Moves on what the engine says. Credit comes from the reader at the far end alone."""
        try:
            await stream.open()
        except SentiricLlamaError as error:
            self._step((), ((number, m.Failure.of(error)),))
            return
        buffer = stream._buffer
        while True:
            await buffer.bell.wait()
            buffer.bell.clear()
            while buffer.news:
                news, _ = buffer.news.popleft()
                if isinstance(news, SentiricLlamaError):
                    self._step((), ((number, m.Failure.of(news)),))
                    return
                self._step(((number, news),), ())
                if news.final is not None:
                    return

    def _step(self, deltas: Any, failures: Any) -> None:
        stats, capacity = self._engine.stats(), self._engine.capacity
        self._send(m.encode_news(m.Step(deltas, failures, stats, capacity)))

    async def _answer(self, command: Any) -> None:
        try:
            found = await self._found(command)
        except SentiricLlamaError as error:
            found = m.Answer(command.call, failure=m.Failure.of(error))
        self._send(m.encode_news(found))

    async def _found(self, c: Any) -> m.Answer:
        engine = self._engine
        if c.kind == "tokenize":
            ids = await engine.tokenize_to_array(c.text, add_special=c.add_special)
            return m.Answer(c.call, tokens=ids.tobytes())
        if c.kind == "tokenize_chat":
            return m.Answer(
                c.call, tokens=array("i", await engine.tokenize_chat(c.messages)).tobytes()
            )
        if c.kind == "render":
            return m.Answer(c.call, text=await engine.render_chat(c.messages))
        if c.kind == "detokenize":
            ids = array("i", c.tokens)
            if c.as_pieces:
                return m.Answer(c.call, pieces=tuple(await engine.token_bytes(ids)))
            return m.Answer(c.call, text=await engine.detokenize(ids))
        if c.kind == "embed":
            rows = await engine.embed(c.texts)
            return m.Answer(c.call, rows=(rows.shape[1], rows.tobytes()))
        if c.kind == "adapters":
            return m.Answer(c.call, names=tuple(await engine.adapters()))
        assert c.kind == "look"
        return m.Answer(c.call, devices=tuple(engine.devices()))


class _Stream(AsyncStream):
    def __init__(self, engine: LoopbackEngine, request: Request, bell: Any) -> None:
        super().__init__(bell)
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

    def put(self, news: Any) -> None:
        self._buffer.put(news)
        self._buffer.bell.set()


class LoopbackEngine:
    """The engine protocol over bytes."""

    def __init__(self, engine: FakeEngine) -> None:
        self.numbers = itertools.count(1)
        self.streams: dict[int, _Stream] = {}
        self._answers: dict[int, asyncio.Future[m.Answer]] = {}
        self._stats, self._capacity = EngineStats(), engine.capacity
        self.bytes_sent = 0
        self.behind = Behind(engine, self._receive)

    def send(self, command: Any) -> None:
        data = m.encode_command(command)
        self.bytes_sent += len(data)
        self.behind.receive(data)

    def _receive(self, data: bytes) -> None:
        news = m.decode_news(data)
        if isinstance(news, m.Opened):
            self._info = news.info
        elif isinstance(news, m.Answer):
            self._answers.pop(news.call).set_result(news)
        else:
            self._stats, self._capacity = news.stats, news.capacity
            for number, delta in news.deltas:
                if stream := self.streams.get(number):
                    stream.put(delta)
            for number, failure in news.failures:
                if stream := self.streams.get(number):
                    stream.put(failure.as_error())

    async def _ask(self, make: Any, *values: Any, **options: Any) -> m.Answer:
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
        return self._capacity

    def stats(self) -> EngineStats:
        return self._stats

    def check_room(self) -> None:
        return None

    def devices(self) -> list[Device]:
        return []

    def submit(self, request: Request, bell: asyncio.Event | None = None) -> AsyncStream:
        return _Stream(self, request, bell)

    async def tokenize_to_array(
        self, text: str, *, add_special: bool = False, parse_special: bool = False
    ) -> array[int]:
        answer = await self._ask(m.Tokenize, text, add_special, parse_special)
        return array("i", answer.tokens or b"")

    async def detokenize(self, tokens: Sequence[int], *, show_special: bool = False) -> str:
        answer = await self._ask(m.Detokenize, array("i", tokens).tobytes(), show_special)
        return answer.text or ""

    async def token_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        data = array("i", tokens).tobytes()
        return list((await self._ask(m.Detokenize, data, as_pieces=True)).pieces or ())

    async def render_chat(
        self, messages: Sequence[Message], *, add_generation_prompt: bool = True
    ) -> str:
        return (await self._ask(m.Render, tuple(messages), add_generation_prompt)).text or ""

    async def adapters(self) -> list[str]:
        return list((await self._ask(m.Adapters)).names or ())

    async def tokenize_chat(self, messages: Sequence[Message]) -> list[int]:
        answer = await self._ask(m.TokenizeChat, tuple(messages))
        return array("i", answer.tokens or b"").tolist()

    async def embed(self, texts: Sequence[str]) -> FloatArray:
        width, data = (await self._ask(m.Embed, tuple(texts))).rows or (1, b"")
        return np.frombuffer(data, np.float32).reshape(-1, width)

    async def close(self) -> None:
        return None
