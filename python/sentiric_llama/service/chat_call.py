# SPDX-License-Identifier: AGPL-3.0-only
"""The chat request that every protocol translates into, and the engine requests made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.engine.formats.answer_format import AnswerPlan
from sentiric_llama.engine.formats.model_format import ModelFormat
from sentiric_llama.errors import ContextLengthExceeded, InvalidArgument
from sentiric_llama.service.prompt.reasoning_effort import effort_prompt, told_effort
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import (
    Grammar,
    Message,
    Priority,
    Request,
    SamplingParams,
    Tool,
    Truncation,
)
from sentiric_llama.types.ranges import out_of_range
from sentiric_llama.types.wishes import Wishes

ROLES = ("system", "developer", "user", "assistant", "tool")
MAX_MESSAGES = 2048
MAX_CONTENT_BYTES = 2 * 2**20
MAX_GRAMMAR_BYTES = 2**20
"""Of a schema, or of a list of choices."""
MAX_PATTERN_BYTES = 64 * 1024
"""Of GBNF, and of a regular expression."""
MAX_DEADLINE_MS = 86_400_000
BYTES_PER_TOKEN = 4
"""For estimates only."""

_PLACEHOLDER = re.compile(r"\{\{(rag_context|user_prompt)\}\}")


@dataclass(frozen=True, slots=True)
class ChatCall:
    """What a caller asked for. Each field is checked on its own; None means not given."""

    messages: tuple[Message, ...] = ()
    prompts: tuple[str | tuple[int, ...], ...] = ()
    """Texts or token ids to go on with as they are, instead of messages."""
    suffix: str = ""
    """With prompts: what stands behind each answer. See `prompt/infill.py`."""
    prompt_logprobs: int | None = None
    """How many alternatives each token of a prompt gets log-probabilities of; None for none."""
    model: str | None = None
    system_prompt: str | None = None
    rag_context: str | None = None
    lora_adapter: str | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """The fields of `SamplingParams` that were given, from `ranges.parse_sampling`."""
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    min_tokens: int = 0
    stop_tokens: tuple[int, ...] = ()
    bad_words: tuple[str, ...] = ()
    """Texts that may not come, inside a text and at its beginning."""
    repetition_limit: int | None = None
    prediction: str = ""
    """What the answer is expected to be or to contain."""
    grammar: Grammar | None = None
    grammar_field: str = ""
    """What the caller set to ask for it: errors about it name this field."""
    ignore_eos: bool = False
    truncation: Truncation | None = None
    shift: bool = True
    """Whether the answer goes on without the oldest tokens when the context is full."""
    priority: Priority = "normal"
    n: int = 1
    wishes: Wishes = field(default_factory=Wishes)
    """Tools and reasoning."""
    template_arguments: Mapping[str, Any] = field(default_factory=dict)
    """Further variables for the chat template."""
    continues: bool = False
    """The answer goes on with the last message, which is the assistant's."""
    deadline_ms: int | None = None
    """The caller's time limit; the service's own limit still applies."""

    @property
    def is_constrained(self) -> bool:
        """Whether a grammar says what the text may be."""
        return self.grammar is not None and self.grammar.kind != "none"

    @property
    def num_choices(self) -> int:
        """Answers of all prompts."""
        return self.n * max(1, len(self.prompts))


def build_requests(
    call: ChatCall,
    settings: Settings,
    num_vocab: int,
    form: ModelFormat,
    enforced: Sequence[Tool] = (),
    bad_words: Sequence[Sequence[int]] = (),
    prediction: Sequence[int] = (),
    *,
    opens: bool = False,
) -> tuple[list[Request], AnswerPlan]:
    """One engine request for each of `call.n` choices, and how to read their answers.

    `enforced` are the tools as a grammar can enforce their arguments, `bad_words` and `prediction`
    those of the call as tokens. `opens`: the template opens a thought.

    Raises InvalidArgument, PermissionDenied or ContextLengthExceeded, with the field in `where`.
    """
    is_told = not form.thinks and call.wishes.thinks is not False
    effort = told_effort(call.wishes.effort) if is_told else None
    wishes = replace(call.wishes, is_told_to_think=effort is not None)
    caller = CURRENT_CALLER.get()
    caller.check_priority(call.priority)
    check_limits(call)
    sampling = replace(default_sampling(settings), **call.sampling)
    sampling = replace(sampling, top_k=min(sampling.top_k, num_vocab))  # more than all are all
    for where, tokens in (
        ("logit_bias", sampling.logit_bias),
        ("allowed_tokens", sampling.allowed_tokens),
        ("stop_tokens", call.stop_tokens),
    ):
        if wrong := [token for token in tokens if token >= num_vocab]:
            raise out_of_range(where, wrong[0], f"token ids 0..{num_vocab - 1}")
    request = Request(
        messages=build_messages(call, settings, effort),
        template_arguments=form.template_arguments(call.template_arguments, call.wishes),
        continues=call.continues,
        sampling=sampling,
        grammar=call.grammar,
        stop=call.stop,
        min_tokens=call.min_tokens,
        stop_tokens=call.stop_tokens,
        bad_words=bad_words,
        prediction=prediction,
        repetition_limit=settings.repetition_limit
        if call.repetition_limit is None
        else call.repetition_limit,
        prompt_logprobs=call.prompt_logprobs,
        max_tokens=settings.default_max_tokens if call.max_tokens is None else call.max_tokens,
        ignore_eos=call.ignore_eos,
        truncation=call.truncation or settings.truncation,
        shift=call.shift,
        deadline_ms=_deadline(call.deadline_ms, settings.request_timeout_ms),
        priority=call.priority,
        tenant=caller.share,
        adapters=((call.lora_adapter, 1.0),) if call.lora_adapter else (),
        cache_scope=caller.cache_scope(settings.cache_scope),
    )
    by_name = {tool.name: tool for tool in enforced}
    if call.prompts:
        given = [_with_prompt(request, prompt, num_vocab) for prompt in call.prompts]
        return [_choice(each, i) for each in given for i in range(call.n)], AnswerPlan(
            may_think=False
        )
    request, plan = form.apply(request, wishes, by_name or None, opens=opens)
    return [_choice(request, index) for index in range(call.n)], plan


def _with_prompt(request: Request, prompt: str | tuple[int, ...], num_vocab: int) -> Request:
    """The request for a text, in which control tokens count, or for token ids."""
    plain = replace(request, messages=(), template_arguments="", continues=False)
    if isinstance(prompt, str):
        return replace(plain, text=prompt, parse_special=True)
    if wrong := [token for token in prompt if token >= num_vocab]:
        raise out_of_range("prompt", wrong[0], f"token ids 0..{num_vocab - 1}")
    return replace(plain, tokens=prompt)


def _deadline(asked: int | None, limit: int) -> int:
    """The shorter of the two; a limit of 0 means none."""
    if asked is None:
        return limit
    return min(max(asked, 1), limit or MAX_DEADLINE_MS)


def default_sampling(settings: Settings) -> SamplingParams:
    """The sampling parameters of requests that give none."""
    return SamplingParams(
        temperature=settings.default_temperature,
        top_k=settings.default_top_k,
        top_p=settings.default_top_p,
        min_p=settings.default_min_p,
        repeat_penalty=settings.default_repeat_penalty,
    )


def grammar_limit(grammar: Grammar) -> int:
    """Bytes that its text may have."""
    return MAX_PATTERN_BYTES if grammar.kind in ("gbnf", "regex") else MAX_GRAMMAR_BYTES


def check_limits(call: ChatCall) -> None:
    """Refuses oversized calls before any work is spent on them."""
    if not call.prompts and not 1 <= len(call.messages) <= MAX_MESSAGES:
        raise out_of_range("messages", len(call.messages), f"1..{MAX_MESSAGES} messages")
    texts = [call.system_prompt or "", call.rag_context or ""]
    texts += [call.suffix, *(prompt for prompt in call.prompts if isinstance(prompt, str))]
    texts += conversation_texts(call.messages, call.wishes.tools)
    size = sum(len(text.encode()) for text in texts)
    if size > MAX_CONTENT_BYTES:
        raise ContextLengthExceeded(
            f"too much text; got {size} bytes, about {size // BYTES_PER_TOKEN} tokens, "
            f"allowed {MAX_CONTENT_BYTES} bytes",
            where="prompt" if call.prompts else "messages",
        )
    grammar = len(call.grammar.text.encode()) if call.grammar else 0
    if call.grammar and grammar > (limit := grammar_limit(call.grammar)):
        where = call.grammar_field or "grammar"
        raise out_of_range(where, grammar, f"at most {limit} bytes")


def conversation_texts(messages: Sequence[Message], tools: Sequence[Tool]) -> Iterator[str]:
    """All texts that a template may show."""
    for message in messages:
        yield message.content
        yield message.reasoning
        yield from (call.arguments for call in message.tool_calls)
    for tool in tools:
        yield tool.description
        yield tool.parameters


def build_messages(
    call: ChatCall, settings: Settings, effort: str | None = None
) -> tuple[Message, ...]:
    """The messages for the chat template.

    The system prompt comes from system messages, else `system_prompt`, else the default. Leading
    system messages are joined, because most templates accept only one. Raises InvalidArgument if
    nothing is left.
    """
    if call.prompts:
        return ()
    head, rest = _split_system(call.messages)
    if not head and not any(message.role == "system" for message in rest):
        head = call.system_prompt or settings.default_system_prompt
    head = effort_prompt(head, effort, settings)
    if call.rag_context is not None:
        rest = _with_context(rest, call.rag_context, settings.default_rag_prompt)
    if not head and not rest:
        raise InvalidArgument("holds only system messages without text", where="messages")
    return (Message("system", head), *rest) if head else tuple(rest)


def _split_system(messages: Sequence[Message]) -> tuple[str, list[Message]]:
    """The joined text of leading system messages, and the rest with "developer" renamed."""
    plain = [replace(m, role="system") if m.role == "developer" else m for m in messages]
    count = next((i for i, m in enumerate(plain) if m.role != "system"), len(plain))
    return "\n\n".join(m.content for m in plain[:count] if m.content), plain[count:]


def _with_context(messages: list[Message], context: str, template: str) -> list[Message]:
    """Replaces the last user message by the filled-in template, in one pass.

    Placeholders inside the inserted texts stay as they are.
    """
    last = next((i for i in reversed(range(len(messages))) if messages[i].role == "user"), None)
    if last is None:
        raise InvalidArgument("needs a user message", where="rag_context")
    values = {"rag_context": context, "user_prompt": messages[last].content}
    text = _PLACEHOLDER.sub(lambda match: values[match[1]], template)
    changed = replace(messages[last], content=text)
    return [*messages[:last], changed, *messages[last + 1 :]]


def _choice(request: Request, index: int) -> Request:
    """The request of one choice; choices differ by their seed."""
    seed = request.sampling.seed
    if index == 0 or seed is None:
        return request
    return replace(request, sampling=replace(request.sampling, seed=(seed + index) % 2**64))
