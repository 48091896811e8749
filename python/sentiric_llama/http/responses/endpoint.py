# SPDX-License-Identifier: AGPL-3.0-only
"""POST /v1/responses: from the parsed request to the response, whole or streamed.

No response is stored: the routes of stored responses say so.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.off_loop import maybe_off_loop
from sentiric_llama.http import sse
from sentiric_llama.http.errors import HttpError, dump_json
from sentiric_llama.http.responses.envelope import Envelope, status_of
from sentiric_llama.http.responses.output import Output
from sentiric_llama.http.responses.output_items import Event
from sentiric_llama.http.responses.request import ResponsesRequest
from sentiric_llama.http.routes.chat import ChatAnswer, StreamWriter, answer_headers
from sentiric_llama.http.stepped_json import dump_long
from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta
from sentiric_llama.types.result import Ending


class ResponsesAnswer(ChatAnswer):
    """A response that is generated while it is being sent."""

    request: ResponsesRequest

    def writer(self, stream: ChatStream, sender: sse.Sender) -> StreamWriter:
        return EventWriter(stream, sender, self.request, self._envelope(stream))

    async def whole(self, stream: ChatStream) -> Response:
        output, ending = _output(self.request), _ENDED
        while not stream.done:
            for item in await stream.read():
                output.take(item)
                ending = item.ending or ending
        output.end(status_of(ending))
        _keep(self.request, output)
        write = self._envelope(stream).ended
        body = await maybe_off_loop(output.is_long, write, output, ending)
        headers = answer_headers(stream, self.request)
        return Response(body, headers=headers, media_type="application/json")

    def _envelope(self, stream: ChatStream) -> Envelope:
        return Envelope(stream, self.request, self._service.settings)


_ENDED: Ending = "stop"


def _output(request: ResponsesRequest) -> Output:
    return Output(request.tools, logprobs=request.logprobs, thoughts=request.thoughts)


def _keep(request: ResponsesRequest, output: Output) -> None:
    """Before the client has the whole answer: it may name its items at once."""
    if request.keep is not None:
        request.keep(output.items)


class EventWriter(StreamWriter):
    """Named events with numbers."""

    request: ResponsesRequest

    def __init__(
        self,
        stream: ChatStream,
        sender: sse.Sender,
        request: ResponsesRequest,
        envelope: Envelope,
    ) -> None:
        super().__init__(stream, sender, request)
        self._envelope = envelope
        self._output = _output(request)
        self._ending = _ENDED
        self._number = 0

    def opening(self, items: list[ChoiceDelta]) -> bytes:
        begun = self._envelope.begun()
        return self._whole("created", begun) + self._whole("in_progress", begun)

    def encode(self, items: list[ChoiceDelta]) -> bytes:
        events = []
        for item in items:
            events += self._output.take(item)
            self._ending = item.ending or self._ending
        if not self.stream.done:
            return self._events(events)
        status = status_of(self._ending)
        events += self._output.end(status)
        _keep(self.request, self._output)
        last = self._envelope.ended(self._output, self._ending)
        return self._events(events) + self._whole(status, last)

    def is_long(self, items: list[ChoiceDelta]) -> bool:
        """The last events have all of the output."""
        return super().is_long(items) or (self.stream.done and self._output.is_long)

    def failed(self, error: SentiricLlamaError) -> bytes:
        return self._whole("failed", self._envelope.failed(self._output, error))

    def _events(self, events: list[Event]) -> bytes:
        return b"".join(map(self._event, events))

    def _event(self, event: Event) -> bytes:
        return sse.encode_named(event["type"], dump_long(event | self._numbered()))

    def _whole(self, kind: str, response: bytes) -> bytes:
        """An event about the response as a whole, which is JSON already."""
        name = f"response.{kind}"
        start = dump_json({"type": name, **self._numbered()})
        return sse.encode_named(name, start[:-1] + b',"response":' + response + b"}")

    def _numbered(self) -> dict[str, int]:
        number = self._number
        self._number += 1
        return {"sequence_number": number}


async def stored(_request: Request) -> Response:
    """Refuses what is about a response that was answered earlier."""
    text = "no response with this id: nothing is stored here"
    raise HttpError(404, text, code="not_found", kind="not_found_error", param="id")
