# SPDX-License-Identifier: AGPL-3.0-only
"""POST /v1/messages: what the chat endpoint answers, whole or streamed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http import sse
from sentiric_llama.http.anthropic.errors import PATH
from sentiric_llama.http.anthropic.events import PING, Event, MessageEvents, opening_usage
from sentiric_llama.http.anthropic.whole import WholeMessage
from sentiric_llama.http.errors import JsonResponse, error_body
from sentiric_llama.http.openai import ChatRequest
from sentiric_llama.http.routes.chat import ChatAnswer, StreamWriter, answer_headers
from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta


class MessagesAnswer(ChatAnswer):
    """A message that is generated while it is being sent."""

    def writer(self, stream: ChatStream, sender: sse.Sender) -> StreamWriter:
        return EventWriter(stream, sender, self.request)

    async def whole(self, stream: ChatStream) -> Response:
        made = MessageEvents(stream.model, stream.answer_id)
        message = WholeMessage()
        message.add(made.start(opening_usage([])))
        while not stream.done:
            message.add(_events(made, stream, await stream.read()))
        return JsonResponse(message.json, headers=answer_headers(stream, self.request))


class EventWriter(StreamWriter):
    """Named events. A ping keeps the connection alive."""

    def __init__(self, stream: ChatStream, sender: sse.Sender, request: ChatRequest) -> None:
        super().__init__(stream, sender, request)
        self.keep_alive = encode((PING,))
        self._made = MessageEvents(stream.model, stream.answer_id)

    def opening(self, items: list[ChoiceDelta]) -> bytes:
        return encode(self._made.start(opening_usage(items)))

    def encode(self, items: list[ChoiceDelta]) -> bytes:
        return encode(_events(self._made, self.stream, items))

    def failed(self, error: SentiricLlamaError) -> bytes:
        return encode((error_body(error, PATH),))


def _events(made: MessageEvents, stream: ChatStream, items: list[ChoiceDelta]) -> list[Event]:
    events: list[Event] = []
    for item in items:
        events += made.feed(item.pieces)
        if item.ending is not None and item.delta.final is not None:
            events += made.end(item.ending, item.delta.final, stream.usage)
    return events


def encode(events: Iterable[dict[str, Any]]) -> bytes:
    """The events with their types as names."""
    return b"".join(
        b"event: " + event["type"].encode() + b"\n" + sse.encode_event(event) for event in events
    )
