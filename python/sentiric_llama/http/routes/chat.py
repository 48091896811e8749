# SPDX-License-Identifier: AGPL-3.0-only
"""POST /v1/chat/completions: from the parsed request to the response, whole or streamed."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http import sse
from sentiric_llama.http.errors import JsonResponse, error_body
from sentiric_llama.http.json_body import read_as
from sentiric_llama.http.openai import ChatRequest, parse_chat
from sentiric_llama.http.shapes import Envelope, truncation_header
from sentiric_llama.log.events import error_fields, error_level, event
from sentiric_llama.service.chat_result import collect
from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta
from sentiric_llama.service.service import LlamaService

logger = logging.getLogger(__name__)


class ChatEndpoint:
    """Parses the body and returns a response that owns the generation."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service

    async def post(self, request: Request) -> Response:
        """Answers a conversation."""
        with self._service.request_metrics.reading("chat"):
            self._service.require_room()  # before a byte of the body is read
            strict = self._service.settings.strict_fields
            parsed = await read_as(request, partial(parse_chat, strict=strict))
        event(
            logger,
            "HTTP_CHAT_REQUEST",
            "received",
            messages=len(parsed.call.messages),
            stream=parsed.stream,
        )
        return ChatAnswer(self._service, parsed)


class ChatAnswer(Response):
    """An ASGI response that generates while it is being sent."""

    def __init__(self, service: LlamaService, request: ChatRequest) -> None:
        self.background = None
        self._service = service
        self._request = request
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
            raise self._request.blame(error) from None

    async def _answer(self, scope: Scope, receive: Receive, sender: sse.Sender) -> None:
        # The block owns the generation: it starts before the first byte and ends on every path.
        async with self._service.open_chat(self._request.call) as stream:
            self._stream = stream
            if self._request.stream:
                await _StreamWriter(stream, sender, self._request).run()
                self._log("HTTP_STREAM_COMPLETE", stream)
            else:
                await sender.respond(await self._unary(stream), scope, receive)
                self._log("HTTP_UNARY_COMPLETE", stream)

    async def _unary(self, stream: ChatStream) -> Response:
        result = await collect(stream)
        body = Envelope(stream.model).unary(result, logprobs=self._request.logprobs)
        headers = notice_header(stream.notice) | truncation_header(result.truncation)
        headers |= self._request.headers
        return JsonResponse(body, headers=headers)

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


class _StreamWriter:
    """Writes a chat stream as server-sent events."""

    def __init__(self, stream: ChatStream, sender: sse.Sender, request: ChatRequest) -> None:
        self._stream = stream
        self._sender = sender
        self._request = request
        self._envelope = Envelope(stream.model, stream.notice)

    async def run(self) -> None:
        """Raises an error that precedes the first step; later ones are sent as an event."""
        # An error before the first step keeps its HTTP status. After KEEP_ALIVE_S, the stream
        # starts anyway, so that no proxy times out, and errors are sent as events.
        items = await self._stream.read(sse.KEEP_ALIVE_S)
        headers = sse.SSE_HEADERS | notice_header(self._stream.notice)
        headers |= truncation_header(self._stream.truncation)
        await self._sender.start(headers | dict(self._request.headers))
        opening = sse.encode_events(self._envelope.first(self._stream.num_choices))
        try:
            await self._sender.write(opening + self._encode(items))
            while not self._stream.done:
                items = await self._stream.read(sse.KEEP_ALIVE_S)
                await self._sender.write(self._encode(items) if items else sse.KEEP_ALIVE)
        except SentiricLlamaError as error:
            body = error_body(self._request.blame(error))
            await self._sender.write(sse.encode_event(body), more=False)
            return
        await self._sender.write(b"", more=False)

    def _encode(self, items: list[ChoiceDelta]) -> bytes:
        chunks: list[dict[str, Any]] = []
        for item in items:
            chunks += self._envelope.step(item, logprobs=self._request.logprobs)
        if not self._stream.done:
            return sse.encode_events(chunks)
        include_usage = self._request.include_usage
        chunks[-1:] = self._envelope.last(self._stream, chunks[-1], usage=include_usage)
        return sse.encode_events(chunks) + sse.DONE


def notice_header(notice: str) -> dict[str, str]:
    """The header that says that the built-in guide answered."""
    return {"x-sentiric-model-notice": notice} if notice else {}
