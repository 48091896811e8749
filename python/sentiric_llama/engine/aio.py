# SPDX-License-Identifier: AGPL-3.0-only
"""The engine for an event loop. Nothing here blocks the loop.

async with await AsyncEngine.open("model.gguf") as engine:
    async for delta in engine.stream_chat(messages):
        print(delta.text, end="")
"""

from __future__ import annotations

import asyncio
from array import array
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Self, Unpack

import numpy as np

from sentiric_llama.engine.blocking import EngineFacts, FloatArray, make_config
from sentiric_llama.engine.convert import (
    call,
    items_of,
    message_pairs,
    to_messages,
    token_ids,
)
from sentiric_llama.engine.handle import EngineHandle, News
from sentiric_llama.engine.options import (
    ChatPrompt,
    Options,
    TextPrompt,
    chat_request,
    text_request,
)
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.off_loop import LARGE_TEXT, is_large, maybe_off_loop, native
from sentiric_llama.types import Completion, Delta, EngineConfig, Request, SamplingParams

if TYPE_CHECKING:
    from sentiric_llama import _core


class _LoopMailbox:
    """All news of one step for one event loop: one `call_soon_threadsafe` carries it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._news: deque[tuple[_AsyncSink, News]] = deque()

    def put(self, sink: _AsyncSink, news: News) -> None:
        self._news.append((sink, news))

    def flush(self) -> None:
        try:
            self.loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:  # the loop is closed: nobody waits any more
            self._news.clear()

    def _deliver(self) -> None:
        while self._news:
            sink, news = self._news.popleft()
            sink.receive(news)


class _AsyncSink:
    """News for a task that waits."""

    def __init__(self, mailbox: _LoopMailbox) -> None:
        self._mailbox = mailbox
        self.queue: asyncio.Queue[News] = asyncio.Queue()

    def put(self, news: News) -> None:  # on the pump thread
        self._mailbox.put(self, news)

    def flush_key(self) -> Callable[[], None] | None:
        return self._mailbox.flush

    def receive(self, news: News) -> None:  # on the loop
        self.queue.put_nowait(news)


class AsyncEngine(EngineFacts):
    """Event-loop face. Any number of tasks, on any number of loops, may share one engine.

    Cancelling a task or closing a stream ends its work within one step.
    """

    def __init__(self, handle: EngineHandle) -> None:
        super().__init__(handle)
        self._mailboxes: dict[asyncio.AbstractEventLoop, _LoopMailbox] = {}

    @classmethod
    async def open(cls, model: str | EngineConfig, **overrides: object) -> Self:
        """Load a model on a worker thread. `model` is a path or an `EngineConfig`."""
        config = make_config(model, overrides)
        return cls(await asyncio.to_thread(EngineHandle, config))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Cancel what runs, free the model, join the threads. Idempotent."""
        await asyncio.to_thread(self._handle.close)

    def _mailbox(self) -> _LoopMailbox:
        loop = asyncio.get_running_loop()
        mailbox = self._mailboxes.get(loop)
        if mailbox is None:
            self._mailboxes = {k: v for k, v in self._mailboxes.items() if not k.is_closed()}
            mailbox = self._mailboxes[loop] = _LoopMailbox(loop)
        return mailbox

    async def _checked(self, request: Request) -> _core.Request:
        """The native request. The loop neither reads files nor converts what is long."""
        check = self._handle.checked
        if request.adapters:
            return await asyncio.to_thread(check, request)
        return await maybe_off_loop(is_large(request.messages), check, request)

    async def run(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Deltas of one request, the last with `final`. Closing the generator cancels it."""
        sink = _AsyncSink(self._mailbox())
        native = await self._checked(request)
        request_id = self._handle.open_stream(native, sink)
        try:
            while True:
                news = await sink.queue.get()
                if isinstance(news, SentiricLlamaError):
                    raise news
                yield news
                if news.final is not None:
                    return
        finally:
            self._handle.cancel(request_id)

    def stream(
        self,
        prompt: TextPrompt | Request,
        sampling: SamplingParams | None = None,
        **options: Unpack[Options],
    ) -> AsyncGenerator[Delta, None]:
        """Continue a text (or token ids) as it is, or run a whole `Request`."""
        if isinstance(prompt, Request):
            return self.run(prompt)
        return self.run(text_request(prompt, sampling, options))

    def stream_chat(
        self,
        messages: ChatPrompt,
        sampling: SamplingParams | None = None,
        **options: Unpack[Options],
    ) -> AsyncGenerator[Delta, None]:
        """Answer a conversation, piece by piece."""
        return self.run(chat_request(messages, sampling, options))

    async def generate(
        self, prompt: str, sampling: SamplingParams | None = None, **options: Unpack[Options]
    ) -> Completion:
        """Continue one text."""
        return await collect(self.stream(prompt, sampling, **options))

    async def chat(
        self,
        messages: ChatPrompt,
        sampling: SamplingParams | None = None,
        **options: Unpack[Options],
    ) -> Completion:
        """Answer a conversation."""
        return await collect(self.stream_chat(messages, sampling, **options))

    async def tokenize(
        self, text: str, *, add_special: bool = False, parse_special: bool = False
    ) -> list[int]:
        """Token ids; control tokens written in the text are text unless `parse_special`."""
        core = self._handle.core
        found = await native(
            _size(text), call, "text", core.tokenize, text, add_special, parse_special
        )
        return await maybe_off_loop(len(found) > LARGE_TEXT, token_ids, found)

    async def tokenize_to_array(
        self, text: str, *, add_special: bool = False, parse_special: bool = False
    ) -> array[int]:
        """The same in four bytes a token."""
        core = self._handle.core
        ids = array("i")
        found = await native(
            _size(text), call, "text", core.tokenize, text, add_special, parse_special
        )
        ids.frombytes(found.data.cast("B"))
        return ids

    async def detokenize(self, tokens: Sequence[int], *, show_special: bool = False) -> str:
        """Text of token ids; bytes that are no UTF-8 become U+FFFD."""
        core, ids = self._handle.core, list(items_of(tokens, "tokens"))
        text = await native(len(ids), call, "tokens", core.detokenize, ids, show_special)
        return await maybe_off_loop(len(text) > LARGE_TEXT, text.decode, "utf-8", "replace")

    async def token_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """Each token's own bytes, which may be part of a character; control tokens are shown."""
        core, ids = self._handle.core, list(items_of(tokens, "tokens"))
        return await native(len(ids), call, "tokens", core.token_pieces, ids)

    async def tokenize_chat(self, messages: ChatPrompt) -> list[int]:
        """The tokens that a request with these messages evaluates."""
        pairs = message_pairs(to_messages(messages))
        size = sum(len(content) for _, content in pairs)
        return await native(size, call, "messages", self._handle.core.tokenize_chat, pairs)

    async def logits(self, tokens: Sequence[int]) -> FloatArray:
        """(n, vocab) float32: the logits after each of the n tokens."""
        core, ids = self._handle.core, list(items_of(tokens, "tokens"))
        return await asyncio.to_thread(call, "tokens", core.logits, ids)

    async def embed(self, texts: str | Sequence[str]) -> FloatArray:
        """(n, d) float32: one pooled, L2-normalised row per text."""
        core = self._handle.core
        rows = []
        for text in [texts] if isinstance(texts, str) else items_of(texts, "texts"):
            tokens = await self.tokenize(text, add_special=True)
            rows.append(await asyncio.to_thread(core.embed, tokens))
        return np.stack(rows) if rows else np.empty((0, self.info.num_embd), np.float32)


def _size(text: object) -> int:
    """Whoever converts what is no text says so."""
    return len(text) if isinstance(text, str) else 0


async def collect(stream: AsyncGenerator[Delta, None]) -> Completion:
    """All of a stream as one result."""
    async with aclosing(stream):
        return Completion.join([delta async for delta in stream])
