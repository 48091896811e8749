# SPDX-License-Identifier: AGPL-3.0-only
"""The keyword options of every generating method, and the `Request` made from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

from sentiric_llama.engine.arguments import items_of, refuse_unknown
from sentiric_llama.engine.grammar.given_text import choice_text, schema_text
from sentiric_llama.engine.prompt.conversation import ChatPrompt, ToolList, to_messages, to_tools
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import (
    Grammar,
    Priority,
    Request,
    SamplingParams,
    ThinkingLimit,
    Truncation,
)

TextPrompt = str | Sequence[int]


class Options(TypedDict, total=False):
    """Options of a call besides its prompt and sampling; `Request` explains them."""

    max_tokens: int
    stop: str | Sequence[str]
    """One string, or up to eight."""
    grammar: Grammar | str
    """A Grammar, or GBNF source."""
    json_schema: str | Mapping[str, Any]
    """Makes the output JSON that is valid against this schema: an object, or its JSON text."""
    regex: str
    """Makes the output a text that the whole of this pattern (ECMA-262) matches."""
    choice: Sequence[str]
    """Makes the output one of these texts."""
    min_tokens: int
    prompt_logprobs: int
    ignore_eos: bool
    stop_tokens: Sequence[int]
    bad_words: Sequence[Sequence[int]]
    prediction: Sequence[int]
    shown_tokens: Sequence[str]
    call_marks: Sequence[str]
    call_opening: str
    thinking: ThinkingLimit
    repetition_limit: int
    parse_special: bool
    truncation: Truncation
    shift: bool
    deadline_ms: int
    queue_wait_ms: int
    priority: Priority
    tenant: str
    cache_scope: str
    adapters: Sequence[tuple[str, float]]
    tools: ToolList
    """For conversations, as the next two: `Tool`s or OpenAI-style dictionaries."""
    template_arguments: str
    continues: bool


CONSTRAINTS = ("grammar", "json_schema", "regex", "choice")
"""Options that constrain the output, of which one may be given. None is as if it were not."""


def _grammar_of(options: Options) -> Grammar | None:
    given = [name for name in CONSTRAINTS if options.get(name) is not None]
    if len(given) > 1:
        what = f"only one of them may constrain the output; got {' and '.join(given)}"
        raise InvalidArgument(what, where=given[0])
    if not given:
        return None
    if "json_schema" in given:
        return Grammar("json_schema", schema_text(options["json_schema"]))
    if "choice" in given:
        return Grammar("choice", choice_text(options["choice"]))
    if "regex" in given:
        return Grammar("regex", _checked(options["regex"], "regex"))
    if isinstance(grammar := options["grammar"], Grammar):
        return grammar
    return Grammar("gbnf", _checked(grammar, "grammar"))


def _checked(text: Any, where: str) -> str:
    if not isinstance(text, str):
        raise InvalidArgument(f"must be a string; got {type(text).__name__}", where=where)
    return text


def _finish(
    request: Request,
    sampling: SamplingParams | None,
    options: Options,
    further: Collection[str] = (),
) -> Request:
    if sampling is not None and not isinstance(sampling, SamplingParams):
        raise InvalidArgument(
            f"must be SamplingParams; got {type(sampling).__name__}", where="sampling"
        )
    refuse_unknown(options, {*Options.__annotations__, *further})
    plain: dict[str, Any] = {
        name: value for name, value in options.items() if name not in CONSTRAINTS
    }
    if "tools" in plain:
        plain["tools"] = to_tools(plain["tools"])
    return replace(
        request, sampling=sampling or SamplingParams(), grammar=_grammar_of(options), **plain
    )


def text_request(prompt: TextPrompt, sampling: SamplingParams | None, options: Options) -> Request:
    """A request that continues a text or token ids as they are."""
    if isinstance(prompt, str):
        return _finish(Request(text=prompt), sampling, options)
    return _finish(Request(tokens=items_of(prompt, "prompt")), sampling, options)


def chat_request(
    messages: ChatPrompt,
    sampling: SamplingParams | None,
    options: Options,
    further: Collection[str] = (),
) -> Request:
    """A request that answers a conversation through the model's chat template.

    `further` are options that the caller takes care of: an unknown one may have meant them.
    """
    return _finish(Request(messages=to_messages(messages)), sampling, options, further)
