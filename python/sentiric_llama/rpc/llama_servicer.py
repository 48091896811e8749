# SPDX-License-Identifier: AGPL-3.0-only
"""sentiric.llm.v1.LlamaService: the streaming API of the platform's clients."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from typing import cast

from sentiric_llama.access.rights import Access
from sentiric_llama.log.events import error_level, event
from sentiric_llama.rpc.generated import llama_pb2
from sentiric_llama.rpc.handlers import needs
from sentiric_llama.rpc.parse import parsed, read_generate
from sentiric_llama.rpc.status import Context
from sentiric_llama.service.chat_stream import ChatStream
from sentiric_llama.service.prompt.caller_names import HTTP_NAMES, CallerNames
from sentiric_llama.service.request_fields import named, safe_name
from sentiric_llama.service.service import LlamaService
from sentiric_llama.types.answer import Kind

SERVICE = llama_pb2.DESCRIPTOR.services_by_name["LlamaService"]
Response = llama_pb2.GenerateStreamResponse

FIELDS = {**HTTP_NAMES, "lora_adapter": "lora_adapter_id", "messages": "history"}

logger = logging.getLogger(__name__)


def names_for(num_messages: int) -> CallerNames:
    """The names of a call with so many messages, of which the last is the prompt."""

    def place(index: int, rest: str) -> str:
        return "user_prompt" if index == num_messages - 1 else f"history.{index}.{rest}"

    return CallerNames(FIELDS, message=place)


class LlamaServicer:
    """The methods of the service, under their names in the protocol."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service

    @needs(Access.USER)
    async def GenerateStream(  # noqa: N802
        self, request: llama_pb2.GenerateStreamRequest, context: Context
    ) -> AsyncIterator[Response]:
        """The text in whole characters, then the finish details."""
        with self._service.request_metrics.reading("chat"):
            self._service.ready()
            strict = self._service.settings.strict_fields
            deadline = deadline_ms(context)
            read = partial(read_generate, strict=strict)
            call, ignored = await parsed(request, read, deadline)
        event(logger, "LLM_REQUEST_RECEIVED", "received", messages=len(call.messages))
        names = names_for(len(call.messages))
        async with names.blaming(call.grammar_field), self._service.open_chat(call) as stream:
            with logging_end(logger, stream):
                while not stream.done:
                    for item in await stream.read():
                        if text := item.text_of(Kind.TEXT):
                            yield Response(token=text.encode("utf-8", "replace"))
            context.set_trailing_metadata(report(stream, ignored))
            yield Response(finish_details=finish_details(stream))


def deadline_ms(context: Context) -> int | None:
    """The time left until the caller's deadline, None without one."""
    left = cast("float | None", context.time_remaining())  # the stubs do not know None
    return None if left is None else max(int(1e3 * left), 1)


def finish_details(stream: ChatStream) -> llama_pb2.FinishDetails:
    return llama_pb2.FinishDetails(
        finish_reason=stream.finals[0].finish_reason,
        prompt_tokens=stream.usage.prompt_tokens,
        completion_tokens=stream.usage.completion_tokens,
    )


def report(stream: ChatStream, ignored: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Trailing metadata for what the messages have no field for."""
    found = {
        "x-sentiric-model-notice": stream.notice,
        "x-truncated": stream.truncation.summary,
        "x-ignored-fields": named(ignored),
        "x-unenforced-tools": named(map(safe_name, stream.unenforced)),
        "x-unfinished": "true" * any(final.unfinished for final in stream.finals.values()),
    }
    return tuple((name, value) for name, value in found.items() if value)


@contextlib.contextmanager
def logging_end(log: logging.Logger, stream: ChatStream) -> Iterator[None]:
    """Logs the counts and times of an answer that has begun, however it ends."""
    try:
        yield
    finally:
        failure = stream.failure
        text = "answered" if stream.done else "ended with an error" if failure else "cut off"
        level = error_level(failure) if failure else logging.INFO
        if stream.has_begun:
            event(log, "LLM_STREAM_COMPLETE", text, level, **stream.log_fields())
