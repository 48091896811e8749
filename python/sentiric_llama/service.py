# SPDX-License-Identifier: AGPL-3.0-only
"""The use cases of the service, the same for every protocol: chat, tokenize, readiness, drain."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sentiric_llama.chat_call import MAX_CONTENT_BYTES, ChatCall, build_requests
from sentiric_llama.chat_stream import ChatStream, ChoiceDelta, Collector
from sentiric_llama.config import Settings
from sentiric_llama.engine_protocol import AsyncEngineProtocol, FloatArray
from sentiric_llama.errors import (
    ContextLengthExceeded,
    InvalidArgument,
    ModelNotFound,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.log import CURRENT_TRACE
from sentiric_llama.params import out_of_range
from sentiric_llama.running import RunningCalls
from sentiric_llama.types import Capacity, Completion, ContextReport, Timings, Usage

MAX_TOKENS_LISTED = 2**20
"""Most ids that one detokenize call may bring."""
MAX_EMBED_TEXTS = 256


class NotReady(Unavailable):
    """No model is loaded yet, loading failed, or the service is shutting down."""


class Readiness(StrEnum):
    """Where the service is in its life; only READY accepts work."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """The loaded model as callers see it. `created` is in seconds since 1970."""

    name: str
    aliases: tuple[str, ...] = ()
    notice: str = ""
    """One line for callers, in ASCII; the built-in guide says here how to use a real model."""
    created: int = 0

    def answers_to(self, name: str) -> bool:
        return name in ("", "default", self.name) or name in self.aliases


@dataclass(frozen=True, slots=True)
class ChatResult:
    """A finished chat call: one completion per choice, totals over all of them."""

    model: str
    notice: str
    choices: tuple[Completion, ...]
    usage: Usage
    timings: Timings
    context: ContextReport


class LlamaService:
    """Works on one event loop. Starts LOADING; `attach` makes it ready."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.state = Readiness.LOADING
        self.failure: SentiricLlamaError | None = None
        self.in_flight = 0
        self.running = RunningCalls()
        self._listeners: list[Callable[[], None]] = []
        self._engine: AsyncEngineProtocol | None = None
        self._model: ServedModel | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    def attach(self, engine: AsyncEngineProtocol, model: ServedModel) -> None:
        """The engine is loaded: accept work, unless the service is already shutting down."""
        self._engine, self._model = engine, model
        if self.state is not Readiness.DRAINING:
            self._become(Readiness.READY)

    def fail(self, error: SentiricLlamaError) -> None:
        """Loading ended without a model."""
        self.failure = error
        self._become(Readiness.FAILED)

    def begin_drain(self) -> None:
        """Refuse new work from now on; what runs may finish."""
        self._become(Readiness.DRAINING)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Calls `listener` on the event loop after each change of `state`."""
        self._listeners.append(listener)

    async def wait_idle(self, timeout_s: float) -> bool:
        """True when nothing runs any more, False when `timeout_s` passed first."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Ends what runs with Unavailable and frees the engine. Idempotent."""
        self.begin_drain()
        if self._engine is not None:
            await self._engine.close()

    @property
    def is_ready(self) -> bool:
        return self.state is Readiness.READY

    @property
    def capacity(self) -> Capacity:
        """Contexts in use and free; the configured number, none free, until a model is loaded."""
        if self._engine is None:
            return Capacity(0, self.settings.contexts, 0)
        return self._engine.capacity

    @property
    def engine(self) -> AsyncEngineProtocol:
        """The engine. Raises NotReady."""
        return self._ready()[0]

    @property
    def model(self) -> ServedModel:
        """The loaded model. Raises NotReady."""
        return self._ready()[1]

    def require_ready(self) -> None:
        """Raises NotReady unless work is accepted; for a refusal before a body is read."""
        self._ready()

    def find_model(self, name: str) -> ServedModel:
        """The loaded model, if it answers to `name`. Raises ModelNotFound."""
        model = self.model
        if not model.answers_to(name):
            raise ModelNotFound(
                f"no such model; loaded is {model.name!r}, which also answers to "
                f"{', '.join((*model.aliases, 'default'))}",
                where="model",
            )
        return model

    @contextlib.asynccontextmanager
    async def open_chat(self, call: ChatCall) -> AsyncIterator[ChatStream]:
        """Starts all choices of a call; leaving the block stops those that still run.

        Raises NotReady, ModelNotFound, InvalidArgument or ContextLengthExceeded at once; the
        engine's own refusals come from the stream's first read.
        """
        engine, _ = self._ready()
        self._check_tenant()
        model = self.find_model(call.model or "")
        requests = build_requests(call, self.settings, engine.info.num_vocab)
        self._enter()
        try:
            stream = ChatStream(engine, requests, model.name, model.notice)
            try:
                with self.running.entry(stream):
                    yield stream
            finally:
                await stream.aclose()
        finally:
            self._leave()

    async def chat(self, call: ChatCall) -> ChatResult:
        """A whole answer. Cancelling the task stops the generation."""
        async with self.open_chat(call) as stream:
            return await collect(stream)

    async def stream_chat(self, call: ChatCall) -> AsyncGenerator[ChoiceDelta, None]:
        """The steps of an answer as they come. Closing the generator stops the generation."""
        async with self.open_chat(call) as stream:
            while not stream.done:
                for item in await stream.read():
                    yield item

    async def tokenize(
        self, text: str, *, add_special: bool = False, parse_special: bool = True
    ) -> list[int]:
        """Token ids of a text."""
        engine, _ = self._ready()
        _check_size("content", [text])
        return await engine.tokenize(text, add_special=add_special, parse_special=parse_special)

    async def detokenize(self, tokens: Sequence[int]) -> str:
        """The text of token ids; control tokens are shown."""
        engine, _ = self._ready()
        _check_tokens(tokens, engine.info.num_vocab)
        return await engine.detokenize(tokens, show_special=True)

    async def token_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """Each token's own bytes; control tokens are shown."""
        engine, _ = self._ready()
        _check_tokens(tokens, engine.info.num_vocab)
        return await engine.token_bytes(tokens)

    async def embed(self, texts: Sequence[str]) -> FloatArray:
        """One pooled, L2-normalised row for each text. Raises NotSupported, InvalidArgument."""
        engine, _ = self._ready()
        self._check_tenant()
        if not 1 <= len(texts) <= MAX_EMBED_TEXTS:
            raise out_of_range("texts", len(texts), f"1..{MAX_EMBED_TEXTS} texts")
        _check_size("texts", texts)
        self._enter()
        try:
            return await engine.embed(texts)
        finally:
            self._leave()

    def _become(self, state: Readiness) -> None:
        self.state = state
        for listener in self._listeners:
            listener()

    def _ready(self) -> tuple[AsyncEngineProtocol, ServedModel]:
        if self.state is Readiness.DRAINING:
            raise NotReady("The server is shutting down")
        if self._engine is None or self._model is None or not self.is_ready:
            raise NotReady("Model is loading or not ready")
        return self._engine, self._model

    def _check_tenant(self) -> None:
        if self.settings.require_tenant and CURRENT_TRACE.get().tenant_id is None:
            raise InvalidArgument("tenant_id header is strictly required")

    def _enter(self) -> None:
        self.in_flight += 1
        self._idle.clear()

    def _leave(self) -> None:
        self.in_flight -= 1
        if self.in_flight == 0:
            self._idle.set()


def _check_size(where: str, texts: Sequence[str]) -> None:
    if sum(len(text.encode()) for text in texts) > MAX_CONTENT_BYTES:
        raise ContextLengthExceeded(
            f"too much text; allowed {MAX_CONTENT_BYTES} bytes", where=where
        )


def _check_tokens(tokens: Sequence[int], num_vocab: int) -> None:
    if len(tokens) > MAX_TOKENS_LISTED:
        raise out_of_range("tokens", tokens, f"at most {MAX_TOKENS_LISTED} ids")
    bad = next((token for token in tokens if not 0 <= token < num_vocab), None)
    if bad is not None:
        raise out_of_range("tokens", bad, f"0..{num_vocab - 1}")


async def collect(stream: ChatStream) -> ChatResult:
    """Reads a stream to its end."""
    collector = Collector(stream.num_choices)
    while not stream.done:
        collector.add(await stream.read())
    return ChatResult(
        model=stream.model,
        notice=stream.notice,
        choices=collector.completions(),
        usage=stream.usage,
        timings=stream.timings,
        context=stream.context,
    )
