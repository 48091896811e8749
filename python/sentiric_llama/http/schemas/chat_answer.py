# SPDX-License-Identifier: AGPL-3.0-only
"""The answers of `/v1/chat/completions`, `/tokenize` and `/detokenize`; `shapes` writes them."""

from __future__ import annotations

from typing import Literal

from sentiric_llama.http.schemas.answer import Answer
from sentiric_llama.types import TruncationReport
from sentiric_llama.types.result import Ending


class Logprob(Answer):
    """A token and its log-probability."""

    token: str
    logprob: float
    bytes: list[int]


class ChosenLogprob(Logprob):
    """A token of the answer, and its most likely alternatives."""

    top_logprobs: list[Logprob]


class Logprobs(Answer):
    """One entry per token of the answer."""

    content: list[ChosenLogprob]
    refusal: None


class PromptDetails(Answer):
    """How many prompt tokens came from the prefix cache."""

    cached_tokens: int


class CompletionDetails(Answer):
    """How many tokens of the answer are thoughts, how many were drafted from `prediction`, and how
    many were drafted from it in vain."""

    reasoning_tokens: int
    accepted_prediction_tokens: int
    rejected_prediction_tokens: int


class Usage(Answer):
    """Token counts over all choices."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class Timings(Answer):
    """llama.cpp's timings. The draft fields come with speculative decoding."""

    cache_n: int
    prompt_n: int
    prompt_ms: float
    prompt_per_token_ms: float
    prompt_per_second: float
    predicted_n: int
    predicted_ms: float
    predicted_per_token_ms: float
    predicted_per_second: float
    queue_ms: float
    ttft_ms: float
    draft_n: int | None = None
    draft_n_accepted: int | None = None


class FunctionCall(Answer):
    """`arguments` is JSON as text, as the model wrote it."""

    name: str
    arguments: str


class ToolCallAnswer(Answer):
    """A function that the model wants to be called."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class CustomInput(Answer):
    """The text with which a custom tool is called."""

    name: str
    input: str


class CustomCallAnswer(Answer):
    """A custom tool that the model wants to be called."""

    id: str
    type: Literal["custom"]
    custom: CustomInput


class AnswerMessage(Answer):
    """The generated message. Its content is null if it has calls and no text."""

    role: Literal["assistant"]
    content: str | None
    refusal: None
    reasoning_content: str | None = None
    tool_calls: list[ToolCallAnswer | CustomCallAnswer] | None = None


class Choice(Answer):
    """One generated message, and why it ended.

    `unfinished` is there if the text stops where its grammar does not allow an end; `warnings` say
    why something that began as a call is text.
    """

    index: int
    message: AnswerMessage
    logprobs: Logprobs | None
    finish_reason: Ending
    unfinished: Literal[True] | None = None
    warnings: list[str] | None = None
    tokens: list[int] | None = None


class Completion(Answer):
    """A complete answer. `notice` comes from the built-in guide."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: Usage
    timings: Timings
    truncation: TruncationReport
    notice: str | None = None


class FunctionDelta(Answer):
    """The name comes first, then parts of the arguments."""

    name: str | None = None
    arguments: str


class CustomDelta(Answer):
    """The name comes first, then parts of the input."""

    name: str | None = None
    input: str


class ToolCallDelta(Answer):
    """`id` and `type` come with the name. There is a `function`, or `custom` for a custom tool."""

    index: int
    id: str | None = None
    type: Literal["function", "custom"] | None = None
    function: FunctionDelta | None = None
    custom: CustomDelta | None = None


class ChunkDelta(Answer):
    """The role at the start of a choice, then what it adds; empty at its end."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class ChunkChoice(Answer):
    """What a chunk adds to one choice."""

    index: int
    delta: ChunkDelta
    logprobs: Logprobs | None
    finish_reason: Ending | None
    unfinished: Literal[True] | None = None
    warnings: list[str] | None = None
    tokens: list[int] | None = None


class CompletionChunk(Answer):
    """The data of one event of a stream. The last chunk has `timings` and `truncation`."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    timings: Timings | None = None
    truncation: TruncationReport | None = None
    notice: str | None = None


class InputTokens(Answer):
    """Tokens of the prompt that a call would evaluate."""

    object: Literal["response.input_tokens"]
    input_tokens: int


class RenderedMessage(Answer):
    """A message as the template got it. `begins` is where its first text stands in the prompt, in
    characters; null if it has none there or the template changes it."""

    role: str
    begins: int | None


class PromptChange(Answer):
    """What was moved or dropped so that sessions of agents share a prefix; see `docs/tools.md`."""

    rule: Literal["billing", "date", "month", "reminder"]
    where: str
    text: str


class RenderedPrompt(Answer):
    """The prompt of a call as it would be evaluated now, all of it even if it does not fit."""

    object: Literal["rendered_prompt"]
    model: str
    prompt: str
    tokens: list[int]
    input_tokens: int
    cached_tokens: int
    context_size: int
    messages: list[RenderedMessage]
    changes: list[PromptChange]


class TokenPiece(Answer):
    """A token id and its text, or its bytes if they are not valid UTF-8."""

    id: int
    piece: str | list[int]


class Tokens(Answer):
    """Token ids, or with `with_pieces` ids and pieces."""

    tokens: list[int] | list[TokenPiece]


class Text(Answer):
    """The text of token ids."""

    content: str
