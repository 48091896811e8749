# SPDX-License-Identifier: AGPL-3.0-only
"""`Engine`: the engine for threads. One model answers several requests at the same time.

with Engine("model.gguf", contexts=4) as engine:
    print(engine.chat([{"role": "user", "content": "Merhaba!"}]).text)
    for delta in engine.stream("Once upon a time"):
        print(delta.text, end="")
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self, TypeVar, Unpack, cast, overload

import numpy as np

from sentiric_llama.engine.arguments import items_of, texts_of
from sentiric_llama.engine.chat.answer_deltas import AnswerDeltas
from sentiric_llama.engine.chat.prepare import ChatPreparation, PreparedChat, at_once
from sentiric_llama.engine.chat.wishes import ChatOptions, chat_ask
from sentiric_llama.engine.config import EngineOptions, make_config
from sentiric_llama.engine.convert import call, request_to_native, token_ids
from sentiric_llama.engine.facts import EngineFacts
from sentiric_llama.engine.handle import EngineHandle
from sentiric_llama.engine.options import (
    Options,
    TextPrompt,
    text_request,
)
from sentiric_llama.engine.prompt.conversation import ChatPrompt, RenderOptions, conversation
from sentiric_llama.engine.protocol import FloatArray
from sentiric_llama.engine.side_by_side import generate_side_by_side
from sentiric_llama.engine.stream import Credit, StreamItem
from sentiric_llama.errors import Cancelled, SentiricLlamaError
from sentiric_llama.types import Completion, Delta, EngineConfig, ModelInfo, Request, SamplingParams
from sentiric_llama.types.chat import ChatCompletion, ChatDelta
from sentiric_llama.types.rendering import ChatRendering, rendering

T = TypeVar("T")


class _End:
    """Follows the last item in a buffer, once for each reader."""


class _ThreadSink:
    """A stream's buffer. Does not keep the stream alive."""

    __slots__ = ("_announce", "items")

    def __init__(self, announce: Callable[[], None] | None) -> None:
        self.items: queue.SimpleQueue[StreamItem | _End] = queue.SimpleQueue()
        self._announce = announce

    def put(self, item: StreamItem) -> None:
        self.items.put(item)
        if self._announce is not None:
            self._announce()

    def waker(self) -> None:
        return None


class Stream(Iterator[Delta]):
    """The deltas of one running request, the last with `final`.

    Closing it, leaving its `with` block or dropping it cancels the request within one step. Threads
    may share a stream: each delta goes to one of them, and all see how it ended. `announce` is
    called on the engine's thread after each item, so that one thread can read several streams; it
    must not raise.
    """

    def __init__(
        self,
        handle: EngineHandle,
        request: Request,
        announce: Callable[[], None] | None = None,
    ) -> None:
        self._handle = handle
        self._sink = _ThreadSink(announce)
        self._lock = threading.Lock()
        self._credit = Credit()
        self._is_over = False
        self._closed_by: int | None = None
        """The thread that closed the stream before its end."""
        self._failure: tuple[type[SentiricLlamaError], str, str] | None = None
        """How it failed: not the error, whose traceback would keep this stream alive."""
        self._request_id = handle.submit(handle.checked(request), self._sink)

    def __next__(self) -> Delta:
        if self._is_over:
            self._end()
        self._handle.check_process()  # a forked child would wait for ever
        try:
            item = self._sink.items.get()
        except BaseException:  # Ctrl-C while waiting
            self.close()
            raise
        if isinstance(item, Delta):
            with self._lock:
                granted = self._credit.after(item)
            if granted:
                self._handle.grant(self._request_id, granted)
            if item.final is not None:
                self._finish(is_whole=True)
            return item
        if isinstance(item, _End):
            self._finish()
            self._end()
        self._failure = type(item), item.what, item.where
        self._finish()
        try:
            raise item
        finally:
            del item  # or the traceback and the error would keep each other and all streams alive

    def _end(self) -> NoReturn:
        """A failed or cut text must not look whole to any other thread that reads it."""
        if self._failure is not None:
            kind, what, where = self._failure
            raise kind(what, where=where)
        if self._closed_by not in (None, threading.get_ident()):
            raise Cancelled("the stream was closed by another thread", where="request")
        raise StopIteration

    def close(self) -> None:
        """Cancels the rest; other threads that read the stream get `Cancelled`. Idempotent."""
        with self._lock:
            if self._is_over:
                return
            self._closed_by = threading.get_ident()
            self._is_over = True
        self._handle.cancel(self._request_id)
        self._finish()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Stream cannot be pickled or copied")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_request_id"):
            self.close()

    def _finish(self, *, is_whole: bool = False) -> None:
        with self._lock:
            self._is_over = True
            if is_whole:  # whoever closes it from now on cuts nothing
                self._closed_by = None
        self._sink.items.put(_End())


class AnswerStream(Stream):
    """The deltas of one answer to a conversation."""

    def __init__(self, handle: EngineHandle, prepared: PreparedChat) -> None:
        self._deltas = AnswerDeltas(prepared.reader)
        self._unenforced = prepared.unenforced
        self._turn = threading.Lock()
        super().__init__(handle, prepared.request)

    @property
    def unenforced(self) -> tuple[str, ...]:
        """Tools whose arguments no grammar can enforce: a call has any object."""
        return self._unenforced

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ChatDelta:
        self._handle.check_process()  # the lock may have been held when the process forked
        with self._turn:  # what a delta says depends on those before it
            return self._deltas.read(super().__next__())


class _HereEngine:
    """An engine as `ChatPreparation` uses it, which computes on the caller's thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def info(self) -> ModelInfo:
        return self._engine.info

    async def render_chat(self, messages: ChatPrompt, **options: Unpack[RenderOptions]) -> str:
        return self._engine.render_chat(messages, **options)

    async def compute(self, size: int, work: Callable[[], T]) -> T:
        del size
        return work()


class Engine(EngineFacts):
    """The engine for threads, any number of which may share it.

    `model` is a path or an `EngineConfig`; keyword arguments are the config's fields. Failures are
    `SentiricLlamaError`. Ctrl-C or closing a stream ends its work within one step.
    """

    def __init__(
        self, model: str | Path | EngineConfig, **overrides: Unpack[EngineOptions]
    ) -> None:
        super().__init__(EngineHandle(make_config(model, dict(overrides))))
        self._preparation = ChatPreparation()
        self._preparing = threading.Lock()

    @classmethod
    def from_pretrained(cls, name: str, **overrides: Unpack[EngineOptions]) -> Self:
        """Opens a model by any name the model store knows, e.g. ``org/repo:Q8_0``.

        Downloads it on first use.
        """
        from sentiric_llama import models

        return cls(str(models.resolve(name).path), **overrides)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancels running requests, frees the model, joins the threads. Idempotent."""
        self.handle.close()

    def submit(self, request: Request) -> Stream:
        """Starts one request and returns the stream of its deltas."""
        return Stream(self.handle, request)

    def stream(
        self, prompt: TextPrompt, sampling: SamplingParams | None = None, **options: Unpack[Options]
    ) -> Stream:
        """Continues a text (or token ids) as it is, piece by piece."""
        return self.submit(text_request(prompt, sampling, options))

    def stream_chat(
        self,
        messages: ChatPrompt,
        sampling: SamplingParams | None = None,
        **options: Unpack[ChatOptions],
    ) -> AnswerStream:
        """Answers a conversation, piece by piece."""
        ask = chat_ask(messages, sampling, options)
        self.handle.check_process()  # the lock may have been held when the process forked
        with self._preparing:
            prepared = at_once(self._preparation.prepare(_HereEngine(self), ask))
        return AnswerStream(self.handle, prepared)

    @overload
    def generate(
        self,
        prompt: str,
        sampling: SamplingParams | None = None,
        **options: Unpack[Options],
    ) -> Completion: ...
    @overload
    def generate(
        self,
        prompt: list[str],
        sampling: SamplingParams | None = None,
        **options: Unpack[Options],
    ) -> list[Completion]: ...
    def generate(
        self,
        prompt: str | list[str],
        sampling: SamplingParams | None = None,
        **options: Unpack[Options],
    ) -> Completion | list[Completion]:
        """Continues one text, or several concurrently."""
        if isinstance(prompt, str):
            return collect(self.stream(prompt, sampling, **options))
        prompts = items_of(prompt, "prompt")
        requests = [text_request(p, sampling, options) for p in prompts]
        return generate_side_by_side(partial(Stream, self.handle), requests, self.capacity.total)

    def chat(
        self,
        messages: ChatPrompt,
        sampling: SamplingParams | None = None,
        **options: Unpack[ChatOptions],
    ) -> ChatCompletion:
        """Answers a conversation."""
        stream = self.stream_chat(messages, sampling, **options)
        return ChatCompletion.of(cast(list[ChatDelta], _read_all(stream)), stream.unenforced)

    def tokenize(
        self, text: str, *, add_special: bool = False, parse_special: bool = False
    ) -> list[int]:
        """Token ids of a text. Control tokens in it stay plain text unless `parse_special`."""
        core = self.handle.core
        return token_ids(call("text", core.tokenize, text, add_special, parse_special))

    def detokenize(self, tokens: Sequence[int], *, show_special: bool = False) -> str:
        """The text of token ids. Bytes that are not UTF-8 become U+FFFD."""
        core, ids = self.handle.core, list(items_of(tokens, "tokens"))
        return call("tokens", core.detokenize, ids, show_special).decode("utf-8", "replace")

    def token_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """The bytes of each token, which may be part of a character. Shows control tokens."""
        return call("tokens", self.handle.core.token_pieces, list(items_of(tokens, "tokens")))

    def render_chat(self, messages: ChatPrompt, **options: Unpack[RenderOptions]) -> str:
        """Renders a conversation with the model's chat template."""
        asked, add = conversation(messages, **options)
        return call("messages", self.handle.core.render_chat, request_to_native(asked), add)

    def tokenize_chat(self, messages: ChatPrompt, **options: Unpack[RenderOptions]) -> list[int]:
        """The tokens that a request with this conversation evaluates."""
        asked, add = conversation(messages, **options)
        return call("messages", self.handle.core.tokenize_chat, request_to_native(asked), add)

    def describe_chat(self, request: Request) -> ChatRendering:
        """The prompt of a request with messages, as it would be evaluated now."""
        given = request_to_native(request)
        text, begins, tokens, cached = call("", self.handle.core.describe_chat, given)
        return rendering(text, begins, token_ids(tokens), cached)

    def adapters(self) -> list[str]:
        """The adapters that requests may name: the files of `lora_dir` without their ending."""
        return self.handle.adapters()

    def logits(self, tokens: Sequence[int]) -> FloatArray:
        """(n, vocab) float32: the logits after each of the n tokens."""
        return call("tokens", self.handle.core.logits, list(items_of(tokens, "tokens")))

    def embed(
        self, texts: str | Sequence[str], prompts: Sequence[Sequence[int]] = ()
    ) -> FloatArray:
        """(n, d) float32: one pooled, L2-normalised row per text, then one per list of token ids.

        Token ids are taken as they are, without the tokens that a model wants at the ends.
        """
        core = self.handle.core
        rows = [
            core.embed(token_ids(call("texts", core.tokenize, text, True, False)))
            for text in texts_of(texts)
        ]
        for ids in items_of(prompts, "prompts"):
            rows.append(call("prompts", core.embed, list(items_of(ids, "prompts"))))
        return np.stack(rows) if rows else np.empty((0, self.info.num_embd), np.float32)


def collect(stream: Stream) -> Completion:
    """Reads a stream to its end. An error carries the text generated before it in `partial`."""
    return Completion.join(_read_all(stream))


def _read_all(stream: Stream) -> list[Delta]:
    deltas: list[Delta] = []
    try:
        with stream:
            deltas.extend(stream)
    except SentiricLlamaError as error:
        error.partial = "".join(delta.text for delta in deltas)
        raise
    return deltas
