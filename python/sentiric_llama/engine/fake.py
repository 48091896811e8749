# SPDX-License-Identifier: AGPL-3.0-only
"""`FakeEngine`: an engine without a model, for tests of this package and of its users."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Unpack

from sentiric_llama.engine.prompt.conversation import ChatPrompt, RenderOptions, conversation
from sentiric_llama.engine.protocol import EngineState, FloatArray
from sentiric_llama.engine.stream import WINDOW, AsyncStream, Buffer
from sentiric_llama.errors import (
    Cancelled,
    DeadlineExceeded,
    InternalError,
    ModelNotFound,
    Overloaded,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.types import (
    Capacity,
    ChosenLogprob,
    Delta,
    Device,
    EngineStats,
    Final,
    FinishReason,
    Message,
    ModelInfo,
    Request,
    Timings,
    TokenLogprob,
    TruncationReport,
    Usage,
)
from sentiric_llama.types.queue import QUEUE_PER_CONTEXT, QueuePlace, room_ms, wait_ms
from sentiric_llama.types.rendering import ChatRendering, rendering

Reply = Callable[[Request], str]

FAKE_INFO = ModelInfo(
    path="/models/fake.gguf",
    name="fake",
    architecture="fake",
    quantization="Q8_0",
    description="no weights",
    chat_template_source="fallback",
    chat_template="",
    template_tools=True,
    template_reasoning=True,
    size_bytes=1,
    num_params=1,
    num_vocab=0x110000,
    num_embd=8,
    num_layers=1,
    context_train=4096,
    context_size=4096,
    contexts=4,
    batch_size=512,
    physical_batch_size=512,
    compute_threads=1,
    can_shift=True,
    kv_layout="split",
    flash_attention="off",
    backend="fake",
    speculation="off",
    bos=-1,
    eos=-1,
)


def texts_of(message: Message) -> str:
    """All that a message says."""
    calls = (call.name + call.arguments for call in message.tool_calls)
    return "".join((message.reasoning, message.content, *calls))


def echo(request: Request) -> str:
    """The default reply, which repeats the last message."""
    last = request.messages[-1].content if request.messages else request.text
    if request.grammar is not None:
        return '{"answer": "yes"}'
    return f"You said: {last}"


class FakeStream(AsyncStream):
    """A request of the fake engine. A task fills the buffer as far as the credit allows."""

    def __init__(
        self, engine: FakeEngine, request: Request, wakeup: asyncio.Event | None = None
    ) -> None:
        super().__init__(wakeup)
        self._engine = engine
        self._request = request
        self._allowed = asyncio.Semaphore(WINDOW)
        self._task: asyncio.Task[None] | None = None

    async def _submit(self) -> None:
        self._engine.admit(self._request)
        deltas = self._engine.deltas(self._request)
        wait_s = self._engine.reader_wait_s
        self._task = asyncio.create_task(_fill(self._buffer, deltas, self._allowed, wait_s))

    @property
    def place(self) -> QueuePlace | None:
        line, stats = self._engine.line, self._engine.stats()
        position = next((i for i, each in enumerate(line, 1) if each is self._request), None)
        if position is None:
            return None
        expected = wait_ms(position, stats.request_ms_mean, self._engine.capacity.total)
        return QueuePlace(position, is_exact=True, wait_ms=expected)

    def _grant(self, tokens: int) -> None:
        for _ in range(tokens):
            self._allowed.release()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def aclose(self) -> None:
        await super().aclose()
        if self._task is not None:
            await asyncio.wait([self._task])


async def _fill(
    buffer: Buffer,
    deltas: AsyncGenerator[Delta, None],
    allowed: asyncio.Semaphore,
    wait_s: float,
) -> None:
    """Puts deltas into the buffer, each token at the cost of one credit, as the real engine."""
    failure: SentiricLlamaError
    try:
        async with contextlib.aclosing(deltas):
            async for delta in deltas:
                for _ in range(delta.credit):
                    await _acquire(allowed, wait_s)
                buffer.put(delta)
                buffer.wakeup.set()
        return
    except SentiricLlamaError as error:
        failure = error
    except Exception as error:  # raised by the reply function of a test
        failure = InternalError(f"unexpected {type(error).__name__}", where="engine")
    buffer.put(failure)
    buffer.wakeup.set()


async def _acquire(allowed: asyncio.Semaphore, wait_s: float) -> None:
    try:
        async with asyncio.timeout(wait_s):
            await allowed.acquire()
    except TimeoutError:
        raise DeadlineExceeded("nobody read the answer in time", where="reader") from None


class FakeEngine:
    """Answers with `reply(request)`, one token per character, and counts like the real engine.

    Waits `first_delay_s` before the first token and `delay_s` before each one. Raises `fail` after
    `fail_after` tokens. Keeps received requests in `requests`.
    """

    def __init__(
        self,
        reply: Reply | str = echo,
        *,
        contexts: int = 4,
        queue_limit: int | None = None,
        delay_s: float = 0.0,
        first_delay_s: float = 0.0,
        fail: SentiricLlamaError | None = None,
        fail_after: int = 0,
        truncation: TruncationReport | None = None,
        devices: Sequence[Device] = (),
        reader_wait_s: float = 30.0,
        infill: tuple[int, int, int] = (-1, -1, -1),
    ) -> None:
        self.reply: Reply = reply if callable(reply) else lambda _request: reply
        self.delay_s = delay_s
        self.first_delay_s = first_delay_s
        self.fail = fail
        self.fail_after = fail_after
        self.truncation = truncation or TruncationReport()
        self.known_devices = list(devices)
        self.reader_wait_s = reader_wait_s
        self._infill = infill
        self.requests: list[Request] = []
        self.active = 0
        self.most_active = 0
        self.line: list[Request] = []
        """Those that wait for a context, the next one first."""
        self._contexts = contexts
        default = QUEUE_PER_CONTEXT * contexts
        self._queue_limit = default if queue_limit is None else queue_limit
        self._slots = asyncio.Semaphore(contexts)
        self._closed = False
        self._state = EngineState.RUNNING
        self._observers: list[Callable[[EngineState], None]] = []
        self._stats = EngineStats()

    @property
    def info(self) -> ModelInfo:
        prefix, suffix, middle = self._infill
        return replace(
            FAKE_INFO,
            contexts=self._contexts,
            infill_prefix=prefix,
            infill_suffix=suffix,
            infill_middle=middle,
        )

    @property
    def capacity(self) -> Capacity:
        return Capacity(self.active, self._contexts, self._contexts - self.active)

    @property
    def state(self) -> EngineState:
        return self._state

    @property
    def process(self) -> None:
        return None

    def observe(self, changed: Callable[[EngineState], None]) -> None:
        self._observers.append(changed)

    def change(self, state: EngineState) -> None:
        """Pretends that its process died, or is back."""
        self._state = state
        for changed in self._observers:
            changed(state)

    @property
    def closed(self) -> bool:
        return self._closed

    def stats(self) -> EngineStats:
        return replace(self._stats, queued=len(self.line), decoding=self.active)

    def check_room(self) -> None:
        self._refuse_if_closed()
        self._refuse_if_full()

    def devices(self) -> list[Device]:
        return self.known_devices

    def submit(self, request: Request, wakeup: asyncio.Event | None = None) -> AsyncStream:
        return FakeStream(self, request, wakeup)

    def stream(self, request: Request) -> AsyncStream:
        return self.submit(request)

    async def deltas(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Generates and counts the answer to a request. Closing the generator cancels it."""
        self._count(requests_submitted=1)
        started = time.monotonic()
        try:
            steps = contextlib.aclosing(self._generate(request, started))
            async with self._slot(request), steps as deltas:
                async for delta in deltas:
                    yield delta
        except (asyncio.CancelledError, GeneratorExit, Cancelled):
            self._count(requests_cancelled=1)
            raise
        except SentiricLlamaError:
            self._count(requests_failed=1)
            raise
        self._count(requests_completed=1)

    def admit(self, request: Request) -> None:
        """Takes a request, or raises the error that refuses it."""
        self._refuse_if_closed()
        if request.adapters:
            raise ModelNotFound("no such adapter", where="lora_adapter")
        self.requests.append(request)
        self._refuse_if_full()

    async def tokenize(
        self, text: str, *, add_special: bool = False, parse_special: bool = False
    ) -> list[int]:
        self._refuse_if_closed()
        return [ord(char) for char in text]

    async def tokenize_to_array(
        self, text: str, *, add_special: bool = False, parse_special: bool = False
    ) -> array[int]:
        ids = await self.tokenize(text, add_special=add_special, parse_special=parse_special)
        return array("i", ids)

    async def detokenize(self, tokens: Sequence[int], *, show_special: bool = False) -> str:
        self._refuse_if_closed()
        return "".join(chr(token) for token in tokens)

    async def token_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        self._refuse_if_closed()
        return [chr(token).encode() for token in tokens]

    async def render_chat(self, messages: ChatPrompt, **options: Unpack[RenderOptions]) -> str:
        self._refuse_if_closed()
        asked, _ = conversation(messages, **options)
        shown = "".join(f"<tool>{tool.name}" for tool in asked.tools) + asked.template_arguments
        return shown + "".join(f"<{m.role}>{texts_of(m)}" for m in asked.messages)

    async def describe_chat(self, request: Request) -> ChatRendering:
        self._refuse_if_closed()
        tools, arguments = request.tools, request.template_arguments
        text = await self.render_chat(request.messages, tools=tools, template_arguments=arguments)
        tokens = array("i", await self.tokenize_chat(request.messages, tools=request.tools))
        begins = [text.encode().find(texts_of(m).encode()) for m in request.messages]
        return rendering(text, begins, tokens, 0)

    async def adapters(self) -> list[str]:
        return []

    async def tokenize_chat(
        self, messages: ChatPrompt, **options: Unpack[RenderOptions]
    ) -> list[int]:
        asked, _ = conversation(messages, **options)
        names = (tool.name for tool in asked.tools)
        return await self.tokenize("".join((*names, *map(texts_of, asked.messages))))

    async def embed(
        self, texts: str | Sequence[str], prompts: Sequence[Sequence[int]] = ()
    ) -> FloatArray:
        """Rows that differ: the angle of each is the sum of its tokens."""
        import numpy as np

        texts = [texts] if isinstance(texts, str) else texts
        ids = [*(list(map(ord, text)) for text in texts), *prompts]
        angles = np.array([sum(each) for each in ids], dtype=np.float32)
        rows = np.zeros((len(ids), FAKE_INFO.num_embd), dtype=np.float32)
        rows[:, 0], rows[:, 1] = np.cos(angles), np.sin(angles)
        return rows

    async def close(self) -> None:
        self._closed = True

    @contextlib.asynccontextmanager
    async def _slot(self, request: Request) -> AsyncIterator[None]:
        self._refuse_if_full()
        self.line.append(request)
        try:
            await self._slots.acquire()
        finally:
            self.line = [each for each in self.line if each is not request]
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        taken = time.monotonic()
        try:
            yield
        finally:
            self.active -= 1
            self._slots.release()
            self._stats = replace(self._stats, request_ms_mean=1e3 * (time.monotonic() - taken))

    async def _generate(self, request: Request, started: float) -> AsyncGenerator[Delta, None]:
        text, finish, stop_string = _cut(self.reply(request), request)
        first = 0.0
        await asyncio.sleep(self.first_delay_s)
        if scores := _prompt_logprobs(request):
            yield Delta(prompt_logprobs=scores)
        for index, char in enumerate(text):
            await asyncio.sleep(self.delay_s)
            self._check(request, started, index)
            prompt = 0
            if not first:
                first, prompt = time.monotonic(), _num_prompt_tokens(request)
                self._count(prompt_tokens=prompt)
            self._count(steps=1, decode_calls=1, generated_tokens=1)
            logprobs = _logprobs(char, request)
            yield Delta(char, (ord(char),), logprobs, self.truncation, prompt_tokens=prompt)
        self._check(request, started, self.fail_after if self.fail else 0)
        prompt = _num_prompt_tokens(request)
        now = time.monotonic()
        timings = Timings(
            prompt_n=prompt,
            prompt_ms=1e3 * ((first or now) - started),
            predicted_n=len(text),
            predicted_ms=1e3 * (now - (first or now)),
            ttft_ms=1e3 * ((first or now) - started),
        )
        final = Final(finish, Usage(prompt, len(text)), timings, stop_string)
        final = replace(final, thought_tokens=_num_thought(text, request))
        accepted = _num_common(text, request.prediction)
        rejected = min(1, len(request.prediction) - accepted)  # it drafts one token at a time
        final = replace(final, prediction_accepted=accepted, prediction_rejected=rejected)
        yield Delta(truncation=self.truncation, final=final)

    def _check(self, request: Request, started: float, index: int) -> None:
        if self._closed:
            raise Cancelled("the engine was closed", where="engine")
        if self.fail is not None and index >= self.fail_after:
            raise self.fail
        if 0 < request.deadline_ms < 1e3 * (time.monotonic() - started):
            raise DeadlineExceeded("the deadline passed", where="engine")

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Unavailable("the engine is closed", where="engine")

    def _refuse_if_full(self) -> None:
        waiting = len(self.line)
        if self._slots.locked() and waiting >= self._queue_limit:
            self._count(requests_rejected=1)
            error = Overloaded(f"the queue is full; got {waiting} waiting", where="queue")
            error.retry_ms = room_ms(waiting, self._stats.request_ms_mean, self._contexts)
            raise error

    def _count(self, **changes: int) -> None:
        now = {name: getattr(self._stats, name) + add for name, add in changes.items()}
        self._stats = replace(self._stats, **now)


def _num_prompt_tokens(request: Request) -> int:
    said = sum(len(texts_of(message)) for message in request.messages)
    said += sum(len(tool.name + tool.description + tool.parameters) for tool in request.tools)
    return said or len(request.text) or len(request.tokens)


def _cut(text: str, request: Request) -> tuple[str, FinishReason, str | None]:
    """The reply as it was cut, the finish reason and the stop string."""
    finish: FinishReason = "stop"
    ends = [text.find(chr(token)) for token in request.stop_tokens if chr(token) in text]
    text = text[: min(ends)] if ends else text
    begin, end = _where_stops_count(text, request)
    hits = [(at, stop) for stop in request.stop if (at := text.find(stop, begin, end)) >= 0]
    stop_string = None
    if hits:
        position, stop_string = min(hits)
        text = text[:position]
    if len(text) > request.max_tokens:
        text, finish, stop_string = text[: request.max_tokens], "length", None
    return text, finish, stop_string


def _where_stops_count(text: str, request: Request) -> tuple[int, int]:
    """Behind a thought that the text begins with, and before a call."""
    begin = 0
    if (limit := request.thinking) and (limit.is_open or text.startswith(limit.begin or "\0")):
        closed = text.find(limit.end)
        begin = closed + len(limit.end) if closed >= 0 else len(text)
    begin = len(text) - len(text[begin:].lstrip()) if begin else 0
    if request.call_opening and text.startswith(request.call_opening, begin):
        return begin, begin
    marks = [at for mark in request.call_marks if (at := text.find(mark, begin)) >= 0]
    return begin, min(marks, default=len(text))


def _num_common(text: str, prediction: Sequence[int]) -> int:
    """How many characters of a prediction the text begins with."""
    pairs = zip(text, prediction, strict=False)
    return sum(1 for _ in takewhile(lambda pair: ord(pair[0]) == pair[1], pairs))


def _num_thought(text: str, request: Request) -> int:
    """How many characters stand inside thoughts."""
    if (limit := request.thinking) is None:
        return 0
    count, is_open = 0, limit.is_open
    while text:
        mark = limit.end if is_open else limit.begin
        part, found, text = text.partition(mark) if mark else (text, "", "")
        count += len(part) if is_open else 0
        is_open = is_open != bool(found)
    return count


def _logprobs(char: str, request: Request) -> tuple[ChosenLogprob, ...]:
    count = request.sampling.top_logprobs
    return () if count is None else (_logprob(ord(char), count, -0.25),)


def _logprob(token: int, count: int, logprob: float) -> ChosenLogprob:
    chosen = TokenLogprob(token, chr(token).encode(), logprob)
    others = (TokenLogprob(i, chr(i).encode(), -2.0 - i) for i in range(count - 1))
    return ChosenLogprob(chosen, (chosen, *others) if count else ())


def _prompt_logprobs(request: Request) -> tuple[ChosenLogprob, ...]:
    """The more tokens are before one, the less likely it is."""
    count = request.prompt_logprobs
    if count is None:
        return ()
    said = request.text or "".join(texts_of(message) for message in request.messages)
    tokens = list(request.tokens) or [ord(char) for char in said]
    first = _logprob(tokens[0], 0, math.nan)
    rest = (_logprob(token, count, -0.125 * i) for i, token in enumerate(tokens[1:], 1))
    return first, *rest
