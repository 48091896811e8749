# SPDX-License-Identifier: AGPL-3.0-only
"""`AsyncEngine`: the engine for an event loop, which it never blocks.

async with await AsyncEngine.open("model.gguf") as engine:
    async for delta in engine.stream_chat(messages):
        print(delta.text, end="")
"""

from __future__ import annotations

import asyncio
import weakref
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar, Unpack, cast, overload

from sentiric_llama.engine.arguments import items_of, texts_of
from sentiric_llama.engine.chat.answer_deltas import AnswerDeltas
from sentiric_llama.engine.chat.prepare import ChatPreparation
from sentiric_llama.engine.chat.wishes import ChatAsk, ChatOptions, chat_ask
from sentiric_llama.engine.config import EngineOptions, make_config
from sentiric_llama.engine.convert import call, request_to_native, token_ids
from sentiric_llama.engine.facts import EngineFacts
from sentiric_llama.engine.handle import EngineHandle
from sentiric_llama.engine.options import (
    Options,
    TextPrompt,
    text_request,
)
from sentiric_llama.engine.prompt.conversation import (
    ChatPrompt,
    RenderOptions,
    conversation,
    is_large,
    text_length,
)
from sentiric_llama.engine.protocol import EngineState, FloatArray
from sentiric_llama.engine.side_by_side import name_prompt
from sentiric_llama.engine.stream import Arrival, AsyncStream, Buffer, StreamItem
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.off_loop import LARGE_TEXT, maybe_off_loop, native, off_loop, to_its_end
from sentiric_llama.models import resolve
from sentiric_llama.types import Completion, Delta, EngineConfig, ModelInfo, Request, SamplingParams
from sentiric_llama.types.chat import ChatCompletion, ChatDelta
from sentiric_llama.types.queue import Line, QueuePlace
from sentiric_llama.types.rendering import ChatRendering, rendering

if TYPE_CHECKING:
    from sentiric_llama import _core


T = TypeVar("T")


class LoopWakeups:
    """Wakes all readers on one event loop that got items in a step, with one call into the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pending: deque[asyncio.Event] = deque()

    def add(self, wakeup: asyncio.Event) -> None:  # on the pump thread
        self._pending.append(wakeup)

    def send(self) -> None:  # on the pump thread
        try:
            self._loop.call_soon_threadsafe(self._set_all)
        except RuntimeError:  # the loop is closed, so no task is waiting
            self._pending.clear()

    def _set_all(self) -> None:
        while self._pending:
            self._pending.popleft().set()


class _LoopSink:
    """The pump's view of a stream's buffer. Does not keep the stream alive."""

    __slots__ = ("_buffer", "_wakeups")

    def __init__(self, buffer: Buffer, wakeups: LoopWakeups) -> None:
        self._buffer = buffer
        self._wakeups = wakeups

    def put(self, item: StreamItem) -> None:
        self._buffer.put(item)

    def waker(self) -> Callable[[], None]:
        self._wakeups.add(self._buffer.wakeup)
        return self._wakeups.send


class NativeStream(AsyncStream):
    """A request of the native engine."""

    def __init__(
        self, engine: AsyncEngine, request: Request, wakeup: asyncio.Event | None = None
    ) -> None:
        super().__init__(wakeup)
        self._engine = engine
        self._request = request
        self._request_id = -1

    async def _submit(self) -> None:
        sink = _LoopSink(self._buffer, self._engine._wakeups_here())
        native = await self._engine._checked(self._request)
        self._request_id = self._engine.handle.submit(native, sink)

    @property
    def place(self) -> QueuePlace | None:
        return self._engine.line.place_of(self._request_id)

    def _grant(self, tokens: int) -> None:
        self._engine.handle.grant(self._request_id, tokens)

    def _cancel(self) -> None:
        if self._request_id >= 0:
            self._engine.handle.cancel(self._request_id)


class AsyncAnswerStream(NativeStream):
    """The deltas of one answer to a conversation, which is prepared when the stream is opened."""

    def __init__(self, engine: AsyncEngine, ask: ChatAsk) -> None:
        super().__init__(engine, ask.request)
        self._ask = ask
        self._unenforced: tuple[str, ...] = ()
        self._deltas: AnswerDeltas

    @property
    def unenforced(self) -> tuple[str, ...]:
        """Tools whose arguments no grammar can enforce: a call has any object."""
        return self._unenforced

    async def _submit(self) -> None:
        engine = self._engine
        prepared = await engine._preparation.prepare(_LoopEngine(engine), self._ask)
        self._request, reader, self._unenforced = prepared
        self._deltas = AnswerDeltas(reader)
        await super()._submit()

    def take(self) -> list[Arrival]:
        """Takes all unread deltas without waiting. Raises an error once no delta precedes it."""
        return [Arrival(self._deltas.read(delta), at) for delta, at in super().take()]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatDelta:
        return cast(ChatDelta, await super().__anext__())


class _LoopEngine:
    """An engine as `ChatPreparation` uses it, which computes where it blocks no event loop."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @property
    def info(self) -> ModelInfo:
        return self._engine.info

    async def render_chat(self, messages: ChatPrompt, **options: Unpack[RenderOptions]) -> str:
        return await self._engine.render_chat(messages, **options)

    async def compute(self, size: int, work: Callable[[], T]) -> T:
        return await native(size, work)


class AsyncEngine(EngineFacts):
    """The engine for event loops. Any number of tasks, on any number of loops, may share it.

    Cancelling a task or closing a stream ends its work within one step.
    """

    def __init__(self, handle: EngineHandle) -> None:
        super().__init__(handle)
        self._wakeups: dict[asyncio.AbstractEventLoop, LoopWakeups] = {}
        self._preparation = ChatPreparation()
        # No cycle: the server's collector is told to spare all that a loaded model brought.
        me = weakref.proxy(self)
        self.line = Line(lambda: handle.core.line(), lambda: me.stats(), self.info.contexts)

    @classmethod
    async def open(
        cls, model: str | Path | EngineConfig, **overrides: Unpack[EngineOptions]
    ) -> Self:
        """Loads a model on a worker thread. `model` is a path or an `EngineConfig`."""
        config = await asyncio.to_thread(make_config, model, dict(overrides))
        return cls(await asyncio.to_thread(EngineHandle, config))

    @classmethod
    async def from_pretrained(cls, name: str, **overrides: Unpack[EngineOptions]) -> Self:
        """Opens a model by any name the model store knows, e.g. ``org/repo:Q8_0``.

        Downloads it on first use, on a thread.
        """
        file = await asyncio.to_thread(resolve, name)
        return await cls.open(str(file.path), **overrides)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Cancels running requests, frees the model, joins the threads. Idempotent."""
        await asyncio.to_thread(self.handle.close)

    @property
    def state(self) -> EngineState:
        """An engine in this process shares its fate."""
        return EngineState.RUNNING

    @property
    def process(self) -> None:
        return None

    def observe(self, changed: Callable[[EngineState], None]) -> None:
        """Does nothing: the state does not change."""

    def _wakeups_here(self) -> LoopWakeups:
        """The wakeups of the running loop."""
        loop = asyncio.get_running_loop()
        wakeups = self._wakeups.get(loop)
        if wakeups is None:
            known = list(self._wakeups.items())  # a loop on another thread may add its own
            self._wakeups = {key: value for key, value in known if not key.is_closed()}
            wakeups = self._wakeups[loop] = LoopWakeups(loop)
        return wakeups

    async def _checked(self, request: Request) -> _core.Request:
        """Checks and converts a request; on a thread when that reads files or takes long."""
        check = self.handle.checked
        if request.adapters:
            return await asyncio.to_thread(check, request)
        return await maybe_off_loop(is_large(request.messages, request.tools), check, request)

    def submit(self, request: Request, wakeup: asyncio.Event | None = None) -> AsyncStream:
        """Starts one request when the stream is opened or first read."""
        return NativeStream(self, request, wakeup)

    def stream(
        self,
        prompt: TextPrompt | Request,
        sampling: SamplingParams | None = None,
        **options: Unpack[Options],
    ) -> AsyncStream:
        """Continues a text (or token ids) as it is, or runs a whole `Request`."""
        if isinstance(prompt, Request):
            return self.submit(prompt)
        return self.submit(text_request(prompt, sampling, options))

    def stream_chat(
        self,
        messages: ChatPrompt,
        sampling: SamplingParams | None = None,
        **options: Unpack[ChatOptions],
    ) -> AsyncAnswerStream:
        """Answers a conversation, piece by piece."""
        return AsyncAnswerStream(self, chat_ask(messages, sampling, options))

    @overload
    async def generate(
        self, prompt: str, sampling: SamplingParams | None = None, **options: Unpack[Options]
    ) -> Completion: ...
    @overload
    async def generate(
        self, prompt: list[str], sampling: SamplingParams | None = None, **options: Unpack[Options]
    ) -> list[Completion]: ...
    async def generate(
        self,
        prompt: str | list[str],
        sampling: SamplingParams | None = None,
        **options: Unpack[Options],
    ) -> Completion | list[Completion]:
        """Continues one text, or several concurrently."""
        if isinstance(prompt, str):
            return await collect(self.stream(prompt, sampling, **options))
        requests = [text_request(p, sampling, options) for p in items_of(prompt, "prompt")]
        slots = asyncio.Semaphore(self.capacity.total)  # so that the queue never fills

        async def run_one(number: int, request: Request) -> Completion:
            async with slots:
                try:
                    return await collect(self.submit(request))
                except SentiricLlamaError as error:
                    name_prompt(error, number)
                    raise

        tasks: list[asyncio.Task[Completion]] = []
        failure: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                tasks += [group.create_task(run_one(*each)) for each in enumerate(requests)]
        except ExceptionGroup as several:  # callers catch the errors of one request
            failure = several.exceptions[0]
        if failure is None:
            return [task.result() for task in tasks]
        try:
            raise failure  # outside of `except`: the group, its context, would refer to it
        finally:
            del failure, tasks  # or the traceback would keep them, and they it, alive

    async def chat(
        self,
        messages: ChatPrompt,
        sampling: SamplingParams | None = None,
        **options: Unpack[ChatOptions],
    ) -> ChatCompletion:
        """Answers a conversation."""
        stream = self.stream_chat(messages, sampling, **options)
        return ChatCompletion.of(cast(list[ChatDelta], await _read_all(stream)), stream.unenforced)

    async def tokenize(
        self, text: str, *, add_special: bool = False, parse_special: bool = False
    ) -> list[int]:
        """Token ids of a text. Control tokens in it stay plain text unless `parse_special`."""
        core = self.handle.core
        found = await native(
            _size(text), call, "text", core.tokenize, text, add_special, parse_special
        )
        return await maybe_off_loop(len(found) > LARGE_TEXT, token_ids, found)

    async def tokenize_to_array(
        self, text: str, *, add_special: bool = False, parse_special: bool = False
    ) -> array[int]:
        """As `tokenize`, in an array of four bytes per token."""
        core = self.handle.core
        ids = array("i")
        found = await native(
            _size(text), call, "text", core.tokenize, text, add_special, parse_special
        )
        ids.frombytes(found.data.cast("B"))
        return ids

    async def detokenize(self, tokens: Sequence[int], *, show_special: bool = False) -> str:
        """The text of token ids. Bytes that are not UTF-8 become U+FFFD."""
        core, ids = self.handle.core, list(items_of(tokens, "tokens"))
        text = await native(len(ids), call, "tokens", core.detokenize, ids, show_special)
        return await maybe_off_loop(len(text) > LARGE_TEXT, text.decode, "utf-8", "replace")

    async def token_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """The bytes of each token, which may be part of a character. Shows control tokens."""
        core, ids = self.handle.core, list(items_of(tokens, "tokens"))
        return await native(len(ids), call, "tokens", core.token_pieces, ids)

    async def render_chat(self, messages: ChatPrompt, **options: Unpack[RenderOptions]) -> str:
        """Renders a conversation with the model's chat template."""
        asked, add = conversation(messages, **options)
        core, given = self.handle.core, request_to_native(asked)
        return await native(_size_of(asked), call, "messages", core.render_chat, given, add)

    async def describe_chat(self, request: Request) -> ChatRendering:
        """The prompt of a request with messages, as it would be evaluated now."""
        core, given = self.handle.core, request_to_native(request)
        found = await native(_size_of(request), call, "", core.describe_chat, given)
        text, begins, tokens, cached = found
        return rendering(text, begins, token_ids(tokens), cached)

    async def adapters(self) -> list[str]:
        """The adapters that requests may name: the files of `lora_dir` without their ending."""
        return await asyncio.to_thread(self.handle.adapters)

    async def tokenize_chat(
        self, messages: ChatPrompt, **options: Unpack[RenderOptions]
    ) -> list[int]:
        """The tokens that a request with this conversation evaluates."""
        asked, add = conversation(messages, **options)
        core, given = self.handle.core, request_to_native(asked)
        return await native(_size_of(asked), call, "messages", core.tokenize_chat, given, add)

    async def logits(self, tokens: Sequence[int]) -> FloatArray:
        """(n, vocab) float32: the logits after each of the n tokens."""
        core, ids = self.handle.core, list(items_of(tokens, "tokens"))
        return await asyncio.to_thread(call, "tokens", core.logits, ids)

    async def embed(
        self, texts: str | Sequence[str], prompts: Sequence[Sequence[int]] = ()
    ) -> FloatArray:
        """(n, d) float32: one pooled, L2-normalised row per text, then one per list of token ids.

        Token ids are taken as they are, without the tokens that a model wants at the ends.
        """
        core = self.handle.core
        rows = []
        for text in texts_of(texts):
            tokens = await self.tokenize(text, add_special=True)
            rows.append(await to_its_end(asyncio.to_thread(core.embed, tokens)))
        for ids in items_of(prompts, "prompts"):
            given = list(items_of(ids, "prompts"))
            work = asyncio.to_thread(call, "prompts", core.embed, given)
            rows.append(await to_its_end(work))
        return await off_loop(_matrix, rows, self.info.num_embd)


def _matrix(rows: Sequence[FloatArray], width: int) -> FloatArray:
    # Imported late: a server without embeddings never needs it.
    import numpy as np

    return np.stack(rows) if rows else np.empty((0, width), np.float32)


def _size_of(asked: Request) -> int:
    tools = sum(len(tool.parameters) for tool in asked.tools)
    return tools + sum(map(text_length, asked.messages))


def _size(text: object) -> int:
    """0 for anything but a string, which the conversion refuses later."""
    return len(text) if isinstance(text, str) else 0


async def collect(stream: AsyncStream) -> Completion:
    """Reads a stream to its end. An error carries the text generated before it in `partial`."""
    return Completion.join(await _read_all(stream))


async def _read_all(stream: AsyncStream) -> list[Delta]:
    deltas: list[Delta] = []
    try:
        async with stream:
            async for delta in stream:
                deltas.append(delta)  # an error reports the deltas before it
    except SentiricLlamaError as error:
        error.partial = "".join(delta.text for delta in deltas)
        raise
    return deltas
