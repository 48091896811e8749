# SPDX-License-Identifier: AGPL-3.0-only
"""The data of the events of a streamed response, in the order in which they come."""

from __future__ import annotations

from typing import Literal

from sentiric_llama.http.responses.answer_models import (
    ResponseAnswer,
    ResponseItem,
    ResponseSummary,
    ResponseText,
    ResponseThought,
)
from sentiric_llama.http.schemas.answer import Answer
from sentiric_llama.http.schemas.chat_answer import ChosenLogprob


class ResponseEvent(Answer):
    """Events are numbered from 0."""

    sequence_number: int


class ResponseChanged(ResponseEvent):
    """The whole response at its start and at its end."""

    type: Literal[
        "response.created",
        "response.in_progress",
        "response.completed",
        "response.incomplete",
        "response.failed",
    ]
    response: ResponseAnswer


class ResponseItemChanged(ResponseEvent):
    """An item begins or ends."""

    type: Literal["response.output_item.added", "response.output_item.done"]
    output_index: int
    item: ResponseItem


class ResponseItemEvent(ResponseEvent):
    """An event about one item."""

    item_id: str
    output_index: int


class ResponsePartChanged(ResponseItemEvent):
    """The content of an item begins or ends."""

    type: Literal["response.content_part.added", "response.content_part.done"]
    content_index: int
    part: ResponseText | ResponseThought


class ResponseTextDelta(ResponseItemEvent):
    """A part of the text of a message."""

    type: Literal["response.output_text.delta"]
    content_index: int
    delta: str
    logprobs: list[ChosenLogprob]


class ResponseTextDone(ResponseItemEvent):
    """The whole text of a message."""

    type: Literal["response.output_text.done"]
    content_index: int
    text: str
    logprobs: list[ChosenLogprob]


class ResponseReasoningDelta(ResponseItemEvent):
    """A part of a thought."""

    type: Literal["response.reasoning_text.delta"]
    content_index: int
    delta: str


class ResponseReasoningDone(ResponseItemEvent):
    """A whole thought."""

    type: Literal["response.reasoning_text.done"]
    content_index: int
    text: str


class ResponseSummaryPartChanged(ResponseItemEvent):
    """The summary of a thought begins or ends."""

    type: Literal["response.reasoning_summary_part.added", "response.reasoning_summary_part.done"]
    summary_index: int
    part: ResponseSummary


class ResponseSummaryDelta(ResponseItemEvent):
    """A part of the summary of a thought."""

    type: Literal["response.reasoning_summary_text.delta"]
    summary_index: int
    delta: str


class ResponseSummaryDone(ResponseItemEvent):
    """The whole summary of a thought."""

    type: Literal["response.reasoning_summary_text.done"]
    summary_index: int
    text: str


class ResponseCallDelta(ResponseItemEvent):
    """A part of the arguments of a function, or of the input of a custom tool."""

    type: Literal[
        "response.function_call_arguments.delta",
        "response.custom_tool_call_input.delta",
    ]
    delta: str


class ResponseArgumentsDone(ResponseItemEvent):
    """The whole arguments of a function."""

    type: Literal["response.function_call_arguments.done"]
    name: str
    arguments: str


class ResponseInputDone(ResponseItemEvent):
    """The whole input of a custom tool."""

    type: Literal["response.custom_tool_call_input.done"]
    input: str


EVENTS = (
    ResponseChanged,
    ResponseItemChanged,
    ResponsePartChanged,
    ResponseTextDelta,
    ResponseTextDone,
    ResponseReasoningDelta,
    ResponseReasoningDone,
    ResponseSummaryPartChanged,
    ResponseSummaryDelta,
    ResponseSummaryDone,
    ResponseCallDelta,
    ResponseArgumentsDone,
    ResponseInputDone,
)
