# SPDX-License-Identifier: AGPL-3.0-only
"""POST /v1/chat/completions: from the parsed request to the response, whole or streamed."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from functools import partial
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.off_loop import maybe_off_loop
from sentiric_llama.http import sse
from sentiric_llama.http.errors import error_body
from sentiric_llama.http.json_body import read_as
from sentiric_llama.http.openai import ChatRequest, parse_chat
from sentiric_llama.http.queue_notes import NOTE_S, QueueNotes, queue_headers, tells_place
from sentiric_llama.http.shapes import Envelope, truncation_header
from sentiric_llama.http.stepped_json import LONG, SteppedJson
from sentiric_llama.log.events import error_fields, error_level, event
from sentiric_llama.service.chat_result import collect
from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta
from sentiric_llama.service.request_fields import named, safe_name
from sentiric_llama.service.service import LlamaService

logger = logging.getLogger(__name__)


class ParseChat(Protocol):
    """Turns the JSON of a body into a call. Raises InvalidArgument with the field in `where`."""

    def __call__(self, values: dict[str, Any], *, strict: bool = False) -> ChatRequest: ...


class ChatEndpoint:
    """Parses the body and returns a response that owns the generation."""

    def __init__(
        self,
        service: LlamaService,
        parse: ParseChat = parse_chat,
        answer: type[ChatAnswer] | None = None,
    ) -> None:
        """`parse` and `answer` are those of OpenAI's contract, or of another."""
        self._service = service
        self._parse = parse
        self._answer = answer or ChatAnswer

    async def post(self, request: Request) -> Response:
        """Answers a conversation."""
        with self._service.request_metrics.reading("chat"):
            self._service.require_room()  # before a byte of the body is read
            strict = self._service.settings.strict_fields
            parsed = await read_as(request, partial(self._parse, strict=strict))
        event(
            logger,
            "HTTP_CHAT_REQUEST",
            "received",
            messages=len(parsed.call.messages),
            stream=parsed.stream,
        )
        return self._answer(self._service, parsed)


class ChatAnswer(Response):
    """An ASGI response that generates while it is being sent."""

    def __init__(self, service: LlamaService, request: ChatRequest) -> None:
        self.background = None
        self._service = service
        self.request = request
        self._started_at = time.monotonic()
        self._stream: ChatStream | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sender = sse.Sender(send)
        try:
            await sse.until_disconnect(receive, sender, self._answer(scope, receive, sender))
        except sse.ClientGone as gone:
            event(logger, "HTTP_CLIENT_GONE", str(gone), **self._fields())
        except SentiricLlamaError as error:
            self._log_refusal(error)
            raise self.request.blame(error) from None

    async def _answer(self, scope: Scope, receive: Receive, sender: sse.Sender) -> None:
        # The block owns the generation: it starts before the first byte and ends on every path.
        async with self._service.open_chat(self.request.call) as stream:
            self._stream = stream
            await self.prepare(stream)
            if self.request.stream:
                await self.writer(stream, sender).run(tells_place(self._service.settings))
                self._log("HTTP_STREAM_COMPLETE", stream)
            else:
                await sender.respond(await self.whole(stream), scope, receive)
                self._log("HTTP_UNARY_COMPLETE", stream)

    async def prepare(self, stream: ChatStream) -> None:
        """What must be known before the answer begins."""

    def writer(self, stream: ChatStream, sender: sse.Sender) -> StreamWriter:
        """What writes the answer as a stream."""
        return ChunkWriter(stream, sender, self.request)

    async def whole(self, stream: ChatStream) -> Response:
        """The answer when all of it is there."""
        result = await collect(stream)
        body = Envelope(stream.model, stream.answer_id, custom=self.request.custom).unary(
            result, logprobs=self.request.logprobs, tokens=self.request.return_tokens
        )
        return SteppedJson(body, answer_headers(stream, self.request))

    def _log(self, name: str, stream: ChatStream) -> None:
        failure = stream.failure
        text = "ended with an error" if failure else "answered"
        level = error_level(failure) if failure else logging.INFO
        event(logger, name, text, level, **stream.log_fields())

    def _log_refusal(self, error: SentiricLlamaError) -> None:
        """With the counts if the answer had begun."""
        fields = error_fields(error)
        if self._stream is not None and self._stream.has_begun:
            fields |= self._stream.log_fields()
        event(logger, "HTTP_CHAT_REFUSED", "refused", error_level(error), **fields)

    def _fields(self) -> dict[str, Any]:
        """The log fields of the call, or how long it has waited."""
        if self._stream is not None:
            return self._stream.log_fields()
        return {"elapsed_ms": round(1e3 * (time.monotonic() - self._started_at), 1)}


class StreamWriter(ABC):
    """Writes a chat stream as server-sent events, in the order that every contract needs."""

    keep_alive = sse.KEEP_ALIVE

    def __init__(self, stream: ChatStream, sender: sse.Sender, request: ChatRequest) -> None:
        self.stream = stream
        self.request = request
        self._sender = sender

    @abstractmethod
    def opening(self, items: list[ChoiceDelta]) -> bytes:
        """What precedes everything else; `items` are the first, [] if there are none yet."""

    @abstractmethod
    def encode(self, items: list[ChoiceDelta]) -> bytes:
        """What these items add, with the end of the stream behind the last of them."""

    @abstractmethod
    def failed(self, error: SentiricLlamaError) -> bytes:
        """The event of an error, which ends the stream."""

    async def run(self, tells_place: bool) -> None:
        """Raises an error that precedes the first step; later ones are sent as an event.

        `tells_place`: the stream may begin while it waits in the queue.
        """
        items = await self._first_items(tells_place)
        headers = sse.SSE_HEADERS | answer_headers(self.stream, self.request)
        await self._sender.start(headers)
        try:
            await self._sender.write(self.opening(items) + await self._encoded(items))
            await self._wait_in_queue()
            while not self.stream.done:
                items = await self.stream.read(sse.KEEP_ALIVE_S)
                await self._sender.write(await self._encoded(items) if items else self.keep_alive)
        except SentiricLlamaError as error:
            await self._sender.write(self.failed(self.request.blame(error)), more=False)
            return
        await self._sender.write(b"", more=False)

    def is_long(self, items: list[ChoiceDelta]) -> bool:
        """Whether writing them would hold up the event loop, as many log-probabilities do."""
        return sum(len(e.top) + 1 for item in items for e in item.delta.logprobs) > LONG

    async def _encoded(self, items: list[ChoiceDelta]) -> bytes:
        return await maybe_off_loop(self.is_long(items), self.encode, items)

    async def _first_items(self, tells_place: bool) -> list[ChoiceDelta]:
        """The first deltas; [] to begin the stream without any.

        Until it begins, an error keeps its HTTP status. It begins after KEEP_ALIVE_S, so that no
        proxy times out, or to tell the place in the queue; later errors are sent as events.
        """
        until = time.monotonic() + sse.KEEP_ALIVE_S
        while True:
            items = await self.stream.read(min(NOTE_S, sse.KEEP_ALIVE_S))
            waits = tells_place and self.stream.queue.now is not None
            if items or waits or self.stream.done or time.monotonic() >= until:
                return items

    async def _wait_in_queue(self) -> None:
        """Tells the place in the queue until the first deltas, which it writes, too."""
        notes, quiet_since = QueueNotes(self.stream.queue), time.monotonic()
        while not self.stream.has_begun:
            quiet_s = time.monotonic() - quiet_since
            if comment := notes.comment_or(self.keep_alive, quiet_s, sse.KEEP_ALIVE_S):
                await self._sender.write(comment)
                quiet_since = time.monotonic()
            if items := await self.stream.read(min(NOTE_S, sse.KEEP_ALIVE_S)):
                await self._sender.write(await self._encoded(items))


class ChunkWriter(StreamWriter):
    """OpenAI's chunks."""

    def __init__(self, stream: ChatStream, sender: sse.Sender, request: ChatRequest) -> None:
        super().__init__(stream, sender, request)
        self._envelope = Envelope(
            stream.model, stream.answer_id, stream.notice, custom=request.custom
        )

    def opening(self, items: list[ChoiceDelta]) -> bytes:
        return sse.encode_events(self._envelope.first(self.stream.num_choices))

    def encode(self, items: list[ChoiceDelta]) -> bytes:
        chunks: list[dict[str, Any]] = []
        asked = self.request
        for item in items:
            chunks += self._envelope.step(item, logprobs=asked.logprobs, tokens=asked.return_tokens)
        if not self.stream.done:
            return sse.encode_events(chunks)
        include_usage = self.request.include_usage
        chunks[-1:] = self._envelope.last(self.stream, chunks[-1], usage=include_usage)
        return sse.encode_events(chunks) + sse.DONE

    def failed(self, error: SentiricLlamaError) -> bytes:
        return sse.encode_event(error_body(error))


def answer_headers(stream: ChatStream, request: ChatRequest) -> dict[str, str]:
    """What the headers of an answer say of the model, of its tools, of the request."""
    found = {"x-sentiric-model-notice": stream.notice} if stream.notice else {}
    if unenforced := named(map(safe_name, (*stream.unenforced, *request.unenforced))):
        found["x-unenforced-tools"] = unenforced
    found |= truncation_header(stream.truncation) | queue_headers(stream.queue)
    return found | dict(request.headers)
