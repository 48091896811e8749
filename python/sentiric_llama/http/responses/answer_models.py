# SPDX-License-Identifier: AGPL-3.0-only
"""The answer of `/v1/responses`; `envelope` and `output_items` write it."""

from __future__ import annotations

from typing import Any, Literal

from sentiric_llama.http.responses.output_items import Status
from sentiric_llama.http.schemas.answer import Answer
from sentiric_llama.http.schemas.chat_answer import ChosenLogprob, Timings
from sentiric_llama.types import TruncationReport


class ResponseText(Answer):
    """The text of a message. There are no annotations."""

    type: Literal["output_text"]
    text: str
    annotations: list[Any]
    logprobs: list[ChosenLogprob]


class ResponseMessage(Answer):
    """A message of the assistant."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    status: Status
    content: list[ResponseText]


class ResponseThought(Answer):
    """The text of a thought."""

    type: Literal["reasoning_text"]
    text: str


class ResponseSummary(Answer):
    """The text of a thought as its own summary."""

    type: Literal["summary_text"]
    text: str


class ResponseReasoning(Answer):
    """What the model thought: in `summary` if the request asks for one, else in `content`.

    `encrypted_content` is there if `include` asks for it: the thought again, in base64.
    """

    id: str
    type: Literal["reasoning"]
    status: Status
    summary: list[ResponseSummary]
    content: list[ResponseThought]
    encrypted_content: str | None = None


class ResponseFunctionCall(Answer):
    """A function to call; `arguments` is JSON as text, as the model wrote it."""

    id: str
    type: Literal["function_call"]
    status: Status
    call_id: str
    name: str
    namespace: str | None = None
    arguments: str


class ResponseCustomCall(Answer):
    """A custom tool to call with this input."""

    id: str
    type: Literal["custom_tool_call"]
    status: Status
    call_id: str
    name: str
    namespace: str | None = None
    input: str


ResponseItem = ResponseMessage | ResponseReasoning | ResponseFunctionCall | ResponseCustomCall


class ResponseCached(Answer):
    """How many tokens of the prompt came from the prefix cache."""

    cached_tokens: int
    cache_write_tokens: int


class ResponseThoughtTokens(Answer):
    """How many tokens of the output are thoughts."""

    reasoning_tokens: int


class ResponseUsage(Answer):
    """Token counts."""

    input_tokens: int
    input_tokens_details: ResponseCached
    output_tokens: int
    output_tokens_details: ResponseThoughtTokens
    total_tokens: int


class ResponseFailure(Answer):
    """Why a response failed; `type` is the code that other routes give."""

    code: str
    message: str
    param: str | None
    type: str | None


class ResponseIncomplete(Answer):
    """Why a response ended early."""

    reason: str


class ResponseAnswer(Answer):
    """A response, and the parameters of its request as they were sent.

    `unfinished` is there if the text stops where its grammar does not allow an end; `warnings` say
    why something that began as a call is text.
    """

    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    error: ResponseFailure | None
    incomplete_details: ResponseIncomplete | None
    model: str
    output: list[ResponseItem]
    usage: ResponseUsage | None
    background: Literal[False]
    previous_response_id: None
    service_tier: Literal["default"]
    store: Literal[False]
    instructions: str | None
    max_output_tokens: int | None
    metadata: dict[str, str]
    parallel_tool_calls: bool
    prompt_cache_key: str | None
    reasoning: dict[str, Any]
    safety_identifier: str | None
    temperature: float
    text: dict[str, Any]
    tool_choice: str | dict[str, Any]
    tools: list[dict[str, Any]]
    top_logprobs: int
    top_p: float
    truncation: Literal["auto", "shift", "disabled"]
    user: str | None
    timings: Timings | None = None
    truncation_report: TruncationReport | None = None
    unfinished: Literal[True] | None = None
    warnings: list[str] | None = None
    notice: str | None = None
