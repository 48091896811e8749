# SPDX-License-Identifier: AGPL-3.0-only
"""The answers of `/v1/messages`; `events` writes them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict

from sentiric_llama.http.schemas.answer import Answer

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use"]


class TextContent(Answer):
    """A text of the answer."""

    type: Literal["text"]
    text: str


class ThinkingContent(Answer):
    """What the model thought. The signature is always empty."""

    type: Literal["thinking"]
    thinking: str
    signature: str


class ToolUseContent(Answer):
    """A tool that the model wants to be called."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]


class MessageUsage(Answer):
    """Token counts. Those of the prompt that came from the prefix cache are counted apart."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int


_EXAMPLE: dict[str, Any] = {
    "id": "msg_6e1f0c6a8a2b4a0c9d3e5f70",
    "type": "message",
    "role": "assistant",
    "model": "sentiric-guide",
    "content": [{"type": "text", "text": "The HTTP API listens on port 16070."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 15,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 18,
    },
}


class MessageAnswer(Answer):
    """An answer: its blocks, and why it ended; null as long as it has not."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[TextContent | ThinkingContent | ToolUseContent]
    stop_reason: StopReason | None
    stop_sequence: str | None
    usage: MessageUsage


class MessageStart(Answer):
    """The first event of a stream: the message without its blocks."""

    type: Literal["message_start"]
    message: MessageAnswer


class Ping(Answer):
    """Keeps the connection alive."""

    type: Literal["ping"]


class ContentBlockStart(Answer):
    """A block begins, without its text."""

    type: Literal["content_block_start"]
    index: int
    content_block: TextContent | ThinkingContent | ToolUseContent


class TextDelta(Answer):
    """A part of a text."""

    type: Literal["text_delta"]
    text: str


class ThinkingDelta(Answer):
    """A part of a thought."""

    type: Literal["thinking_delta"]
    thinking: str


class SignatureDelta(Answer):
    """The end of a thought."""

    type: Literal["signature_delta"]
    signature: str


class InputJsonDelta(Answer):
    """A part of the arguments of a call, as JSON text."""

    type: Literal["input_json_delta"]
    partial_json: str


class ContentBlockDelta(Answer):
    """What is added to a block."""

    type: Literal["content_block_delta"]
    index: int
    delta: TextDelta | ThinkingDelta | SignatureDelta | InputJsonDelta


class ContentBlockStop(Answer):
    """A block ends."""

    type: Literal["content_block_stop"]
    index: int


class MessageEnd(Answer):
    """Why the message ended."""

    stop_reason: StopReason
    stop_sequence: str | None


class MessageDelta(Answer):
    """The message ends; `usage` has all counts."""

    type: Literal["message_delta"]
    delta: MessageEnd
    usage: MessageUsage


class MessageStop(Answer):
    """The last event of a stream."""

    type: Literal["message_stop"]


class ThreadRefused(Answer):
    """Why a thread is refused, as Anthropic's tool runners read it."""

    error_code: Literal["thread_unsupported_request"]
    unsupported: list[str]


class MessagesErrorDetails(Answer):
    """What went wrong."""

    type: Literal[
        "invalid_request_error",
        "authentication_error",
        "permission_error",
        "not_found_error",
        "request_too_large",
        "rate_limit_error",
        "api_error",
        "timeout_error",
        "overloaded_error",
    ]
    message: str
    details: ThreadRefused | None = None
    """Only when a request had a `thread`."""


_ERROR: dict[str, Any] = {
    "type": "error",
    "error": {"type": "not_found_error", "message": "[model] no such model"},
    "request_id": "d2f1c0a98b7e4d6f8a5b3c2d1e0f9a8b",
}


class MessagesError(Answer):
    """Every refusal and failure, also as the last event of a stream."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ERROR]})

    type: Literal["error"]
    error: MessagesErrorDetails
    request_id: str | None


class TokenCount(Answer):
    """Tokens of the prompt that a call would evaluate."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"input_tokens": 15}]})

    input_tokens: int


EVENTS = (
    *(MessageStart, Ping, ContentBlockStart, ContentBlockDelta, ContentBlockStop),
    *(MessageDelta, MessageStop, MessagesError),
)
