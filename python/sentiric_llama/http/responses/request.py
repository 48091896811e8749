# SPDX-License-Identifier: AGPL-3.0-only
"""From the body of `/v1/responses` to the protocol-neutral request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sentiric_llama.http.errors import dump_json
from sentiric_llama.http.openai import ChatRequest
from sentiric_llama.http.responses.body import DEFAULT_TRUNCATION, TRUNCATIONS, ResponsesBody
from sentiric_llama.http.responses.kept_items import Keep, KeptItems, caller
from sentiric_llama.http.responses.output_items import ThoughtForm
from sentiric_llama.http.responses.tool_table import ToolTable
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.prompt.caller_names import CallerNames
from sentiric_llama.types import Message
from sentiric_llama.types.ranges import MAX_TOKENS
from sentiric_llama.types.wishes import Wishes

MAX_WORD = 32
NO_LIMIT = int(MAX_TOKENS.high)
"""As in OpenAI's API, an answer without a limit ends where the context does."""


@dataclass(frozen=True, slots=True)
class ResponsesRequest(ChatRequest):
    """A chat call, and how to write its answer."""

    tools: ToolTable = field(default_factory=ToolTable)
    thoughts: ThoughtForm = field(default_factory=ThoughtForm)
    echo: bytes = b"{}"
    """What the answer repeats of the request, as JSON: it is written once."""
    keep: Keep | None = None
    """Keeps the items of the answer for its caller; None if they are not to be kept."""


def parse_response(
    values: dict[str, Any], *, strict: bool = False, kept: KeptItems | None = None
) -> ResponsesRequest:
    """The validated request. Raises InvalidArgument with the field in `where`.

    `kept` has the items that this one may name, and will have those of its answer.
    """
    owner = caller()
    if kept is not None:
        values = kept.filled_in(values, owner)
    body, headers = ResponsesBody.read(values, strict=strict)
    return ResponsesRequest(
        call=_call(body),
        stream=body.stream,
        logprobs=body.logprobs,
        headers=headers,
        tools=body.tools,
        unenforced=body.tools.unenforced,
        thoughts=ThoughtForm(body.reasoning.wants_summary, body.wants_sealed_thoughts),
        echo=dump_json(_echo(body, values)),
        keep=None if kept is None or body.refuses_store else partial(kept.keep, owner),
        names=CallerNames(
            {**body.field_names, "messages": "input"},
            lambda i, rest: f"tools.{body.tools.place(i)}.{rest}",
            partial(_message_place, body),
        ),
    )


def _message_place(body: ResponsesBody, index: int, rest: str) -> str:
    """A place in a message of the call, in the caller's items."""
    if body.instructions and index == 0:
        return "instructions"
    return body.input.place(index - bool(body.instructions), rest)


def _call(body: ResponsesBody) -> ChatCall:
    sampling = body.sampling() | body.allowed_tokens()
    if body.logprobs:
        sampling["top_logprobs"] = body.top_logprobs or 0
    head = (Message("system", body.instructions),) if body.instructions else ()
    given = body.max_output_tokens
    limit = None if given is None or given < 0 else given
    policy = TRUNCATIONS[body.truncation or DEFAULT_TRUNCATION]
    return ChatCall(
        messages=head + body.input,
        model=body.model,
        rag_context=body.rag_context,
        sampling=sampling,
        max_tokens=NO_LIMIT if limit is None else limit,
        stop=body.stop,
        grammar=body.wanted.grammar,
        grammar_field=body.wanted.field,
        truncation=policy,
        shift=policy != "error" and limit is not None,  # without a limit, it would never end
        priority=body.priority,
        wishes=_wishes(body),
        template_arguments=body.chat_template_kwargs,
        **body.token_rules(),
    )


def _wishes(body: ResponsesBody) -> Wishes:
    effort = body.reasoning.effort or body.reasoning_effort
    allowed = body.tool_choice.allowed
    return Wishes(
        tools=body.tools.tools,
        tool_choice=body.tool_choice.word,
        allowed=None if allowed is None else frozenset(allowed),
        parallel=body.parallel_tool_calls,
        strict=body.tools.strict,
        thinks=None if effort is None else effort != "none",
        effort="" if effort in (None, "none") else str(effort),
        thinking_budget=body.budget,
    )


def _echo(body: ResponsesBody, values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they were sent, where their size has a limit, and defaults of the others."""
    form = body.text.format
    plain = {"type": "text"}
    text = {"format": form.model_dump(by_alias=True, exclude_none=True) if form else plain}
    verbosity = _word(values, "text", "verbosity")
    effort = body.reasoning.effort or body.reasoning_effort
    return {
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "metadata": body.metadata,
        "parallel_tool_calls": body.parallel_tool_calls,
        "reasoning": {"effort": effort, "summary": body.reasoning.summary},
        "text": text | ({"verbosity": verbosity} if verbosity else {}),
        "tool_choice": body.tool_choice.sent,
        "tools": body.tools.kept,
        "top_logprobs": body.top_logprobs or 0,
        "user": body.user,
        "safety_identifier": body.safety_identifier,
        "prompt_cache_key": body.prompt_cache_key,
    }


def _word(values: Mapping[str, Any], name: str, member: str) -> str | None:
    """A word that has no effect, if it is one."""
    word = (values.get(name) or {}).get(member)
    return word if isinstance(word, str) and len(word) <= MAX_WORD else None
