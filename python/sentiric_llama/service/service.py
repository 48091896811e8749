# SPDX-License-Identifier: AGPL-3.0-only
"""The use cases of the service, the same for every protocol: chat, tokenize, readiness, drain."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.engine.protocol import AsyncEngineProtocol, FloatArray
from sentiric_llama.errors import (
    ContextLengthExceeded,
    InvalidArgument,
    ModelNotFound,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.host.off_loop import is_large, maybe_off_loop
from sentiric_llama.log.events import event
from sentiric_llama.service import body_budget
from sentiric_llama.service.body_budget import BodyBudget
from sentiric_llama.service.chat_call import MAX_CONTENT_BYTES, ChatCall, build_requests
from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta, Collector
from sentiric_llama.service.model_slot import LoadedModel, ModelSlot
from sentiric_llama.service.model_slot import ServedModel as ServedModel
from sentiric_llama.service.model_switch import ModelSwitch
from sentiric_llama.service.queue_share import QueueShare
from sentiric_llama.service.running import RunningCalls
from sentiric_llama.settings.config import Settings
from sentiric_llama.telemetry.request_metrics import Call, RequestMetrics
from sentiric_llama.telemetry.watchdog import Watchdog
from sentiric_llama.types import Capacity, Completion, ContextReport, Device, Timings, Usage
from sentiric_llama.types.ranges import out_of_range

logger = logging.getLogger(__name__)

MAX_TOKENS_LISTED = 2**18
"""Most ids that one detokenize call may bring."""
_STEP = 16_384
"""So many numbers are looked at in one turn of the interpreter lock."""
MAX_EMBED_TEXTS = 256


class NotReady(Unavailable):
    """No model is loaded yet, loading failed, or the service is shutting down."""


class Readiness(StrEnum):
    """Where the service is in its life; READY tells balancers to send work."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    STALLED = "stalled"
    """The engine has work and makes no progress."""
    DRAINING = "draining"


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
        self._settings = settings
        self.request_metrics = RequestMetrics()
        self.request_metrics.on_first_token.append(_log_first_token)
        self.failure: SentiricLlamaError | None = None
        self.in_flight = 0
        self.on_state_change: list[Callable[[Readiness], None]] = []
        """Called on the event loop with every new state, in order; must not block."""
        self._state = Readiness.LOADING
        self.watchdog = Watchdog(settings.stall_timeout_s)
        self.devices: tuple[Device, ...] = ()
        """What `server.background` last heard from the engine's drivers."""
        self.switch: ModelSwitch | None = None
        """The last change of the model that was ordered; it may be under way."""
        self._accepts_work = False
        self.is_full = False
        """`require_room` has refused, and nobody has asked again since."""
        self.running = RunningCalls()
        self._queue = QueueShare()
        self.bodies = BodyBudget(body_budget.WHOLE_BODIES * settings.max_body_bytes)
        """Of all protocols."""
        self._slot = ModelSlot()
        self.closed = asyncio.Event()
        """Set when the engine is gone; what only looks on ends then."""
        self._idle = asyncio.Event()
        self._idle.set()

    def attach(self, engine: AsyncEngineProtocol, model: ServedModel) -> None:
        """`install` for an engine that came from elsewhere."""
        self.install(LoadedModel(engine, model, self._settings))

    def install(self, loaded: LoadedModel) -> None:
        """New calls go to this model, unless the service is already shutting down.

        Calls that run stay with theirs, which is closed after the last of them.
        """
        self._slot.put(loaded)
        self._settings = loaded.settings
        self.watchdog = Watchdog(self._settings.stall_timeout_s)
        if self.state is not Readiness.DRAINING:
            self.failure = None
            self._accepts_work = True
            self._change(Readiness.READY)

    async def vacate(self) -> None:
        """Takes the model out: new work is refused, what runs gets the time of a drain."""
        self._accepts_work = False
        if self.state is not Readiness.DRAINING:
            self._change(Readiness.LOADING)
        await self._slot.vacate(self.settings.drain_timeout_s)

    def fail(self, error: SentiricLlamaError) -> None:
        """Loading ended without a model."""
        self.failure = error
        self._change(Readiness.FAILED)

    def beat(self) -> None:
        """To be called each second: samples the engine and notices when it stands still.

        A stalled service is not ready; what runs and what comes is kept, for it may move again.
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
        """No longer ready, so that balancers send nothing more; what still comes is accepted."""
        self._change(Readiness.DRAINING)

    def begin_drain(self) -> None:
        """Refuse new work from now on; what runs may finish."""
        self._accepts_work = False
        self._change(Readiness.DRAINING)

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
        await self._slot.close()
        self.closed.set()

    @property
    def state(self) -> Readiness:
        """Where the service is in its life; probes answer from it."""
        return self._state

    @property
    def is_ready(self) -> bool:
        return self.state is Readiness.READY

    @property
    def settings(self) -> Settings:
        """Those of the model that answers; they change with it."""
        return self._settings

    @property
    def capacity(self) -> Capacity:
        """Contexts in use and free; the configured number, none free, until a model is loaded."""
        if self.attached is None:
            return Capacity(0, self.settings.contexts, 0)
        return self.attached.engine.capacity

    @property
    def attached(self) -> LoadedModel | None:
        """The model as long as there is one, whatever the state; for those who only look."""
        return self._slot.current

    @property
    def attached_engine(self) -> AsyncEngineProtocol | None:
        """The engine of `attached`."""
        return self.attached.engine if self.attached else None

    @property
    def engine(self) -> AsyncEngineProtocol:
        """The engine. Raises NotReady."""
        return self._ready().engine

    @property
    def model(self) -> ServedModel:
        """The loaded model. Raises NotReady."""
        return self._ready().served

    @contextlib.contextmanager
    def in_use(self) -> Iterator[LoadedModel]:
        """The model of one call, which stays open until the block is left. Raises NotReady."""
        loaded = self._ready()
        self.in_flight += 1
        self._idle.clear()
        try:
            with loaded.in_use():
                yield loaded
        finally:
            self.in_flight -= 1
            if self.in_flight == 0:
                self._idle.set()

    def require_ready(self) -> None:
        """Raises NotReady unless work is accepted; for a refusal before a body is read."""
        self._ready()

    def require_room(self) -> None:
        """Raises NotReady or the engine's Overloaded; for a refusal before a body is read."""
        engine = self._ready().engine
        self.is_full = True
        engine.check_room()
        self.is_full = False

    def find_model(self, name: str) -> ServedModel:
        """The loaded model, if it answers to `name`. Raises ModelNotFound."""
        return _named(self.model, name)

    @contextlib.asynccontextmanager
    async def open_chat(self, call: ChatCall) -> AsyncIterator[ChatStream]:
        """Starts all choices of a call; leaving the block stops those that still run.

        Raises NotReady, ModelNotFound, InvalidArgument or ContextLengthExceeded at once; the
        engine's own refusals come from the stream's first read.
        """
        with self.request_metrics.open("chat") as account, self.in_use() as loaded:
            engine = loaded.engine
            self._check_tenant()
            model = _named(loaded.served, call.model or "")
            requests = await maybe_off_loop(
                is_large(call.messages),
                build_requests,
                call,
                loaded.settings,
                engine.info.num_vocab,
            )
            account.model, account.is_stream = model.name, True
            caller, limit = CURRENT_CALLER.get(), loaded.settings.queue_limit
            with self._queue.hold(caller, len(requests), engine.capacity.total, limit):
                stream = ChatStream(engine, requests, model.notice, self.request_metrics, account)
                self._log_question(call, stream)
                try:
                    with self.running.entry(stream):
                        await stream.open()
                        yield stream
                finally:
                    await stream.aclose()
                    self._log_answer(stream)

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
    ) -> array[int]:
        """Token ids of a text."""
        with self.request_metrics.open("tokenize"), self.in_use() as loaded:
            return await _tokenize(loaded.engine, text, add_special, parse_special)

    async def tokenize_to_pieces(
        self, text: str, *, add_special: bool = False, parse_special: bool = True
    ) -> tuple[array[int], dict[int, bytes]]:
        """The same with the bytes of each id; control tokens are shown."""
        with self.request_metrics.open("tokenize"), self.in_use() as loaded:
            tokens = await _tokenize(loaded.engine, text, add_special, parse_special)
            known = list(await maybe_off_loop(len(tokens) > _STEP, _distinct, tokens))
            return tokens, dict(zip(known, await loaded.engine.token_bytes(known), strict=True))

    async def detokenize(self, tokens: Sequence[int]) -> str:
        """The text of token ids; control tokens are shown."""
        with self.request_metrics.open("detokenize"), self.in_use() as loaded:
            if len(tokens) > MAX_TOKENS_LISTED:
                raise out_of_range("tokens", tokens, f"at most {MAX_TOKENS_LISTED} ids")
            num_vocab = loaded.engine.info.num_vocab
            await maybe_off_loop(len(tokens) > _STEP, _check_tokens, tokens, num_vocab)
            text = await loaded.engine.detokenize(tokens, show_special=True)
            if len(text) > MAX_CONTENT_BYTES:
                raise _too_much_text("tokens")
            return text

    async def embed(self, texts: Sequence[str]) -> tuple[FloatArray, str]:
        """One pooled, L2-normalised row for each text, and the name of the model they are of.

        Raises NotSupported, InvalidArgument.
        """
        with self.request_metrics.open("embeddings"), self.in_use() as loaded:
            self._check_tenant()
            if not 1 <= len(texts) <= MAX_EMBED_TEXTS:
                raise out_of_range("texts", len(texts), f"1..{MAX_EMBED_TEXTS} texts")
            _check_size("texts", texts)
            return await loaded.engine.embed(texts), loaded.served.name

    def _ready(self) -> LoadedModel:
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

    def _check_tenant(self) -> None:
        if self.settings.require_tenant and not CURRENT_CALLER.get().label:
            event(logger, "MISSING_TENANT_ID", "refused", logging.WARNING)
            raise InvalidArgument("tenant_id header is strictly required")

    def _log_question(self, call: ChatCall, stream: ChatStream) -> None:
        if self.settings.log_content:
            stream.texts = {}
            messages = [{"role": m.role, "content": m.content} for m in call.messages]
            event(logger, "LLM_REQUEST_CONTENT", "asked", messages=messages)

    def _log_answer(self, stream: ChatStream) -> None:
        if stream.texts is not None:
            texts = ["".join(stream.texts[index]) for index in sorted(stream.texts)]
            event(logger, "LLM_ANSWER_CONTENT", "answered", texts=texts)


def _log_first_token(call: Call) -> None:
    """Under the two names that readers of these logs know."""
    kind = "HTTP" if call.trace.protocol == "http" else "LLM"
    ttft_ms = round(1e3 * (call.ttft_s or 0.0), 1)
    event(logger, f"{kind}_TTFT_COMPUTED", "first token", ttft_ms=ttft_ms)


def _named(model: ServedModel, name: str) -> ServedModel:
    if not model.answers_to(name):
        raise ModelNotFound(
            f"no such model; loaded is {model.name!r}, which also answers to "
            f"{', '.join((*model.aliases, 'default'))}",
            where="model",
        )
    return model


async def _tokenize(
    engine: AsyncEngineProtocol, text: str, add_special: bool, parse_special: bool
) -> array[int]:
    _check_size("content", [text])
    return await engine.tokenize_to_array(
        text, add_special=add_special, parse_special=parse_special
    )


def _distinct(tokens: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for begin in range(0, len(tokens), _STEP):
        found.update(tokens[begin : begin + _STEP])
    return found


def _check_size(where: str, texts: Sequence[str]) -> None:
    if sum(len(text.encode()) for text in texts) > MAX_CONTENT_BYTES:
        raise _too_much_text(where)


def _too_much_text(where: str) -> ContextLengthExceeded:
    return ContextLengthExceeded(f"too much text; allowed {MAX_CONTENT_BYTES} bytes", where=where)


def _check_tokens(tokens: Sequence[int], num_vocab: int) -> None:
    for begin in range(0, len(tokens), _STEP):
        part = tokens[begin : begin + _STEP]
        if min(part) < 0 or max(part) >= num_vocab:
            bad = next(token for token in part if not 0 <= token < num_vocab)
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
