# SPDX-License-Identifier: AGPL-3.0-only
"""The keyword options of every generating method, and the `Request` made from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

from sentiric_llama.engine.arguments import refuse_unknown
from sentiric_llama.engine.convert import items_of, to_messages
from sentiric_llama.errors import InvalidArgument, InvalidGrammar
from sentiric_llama.types import (
    Grammar,
    Message,
    Priority,
    Request,
    SamplingParams,
    Truncation,
)

TextPrompt = str | Sequence[int]
ChatPrompt = Sequence[Message | Mapping[str, str]]


class Options(TypedDict, total=False):
    """Options of a call besides its prompt and sampling; `Request` explains them."""

    max_tokens: int
    stop: str | Sequence[str]
    """One string, or up to eight."""
    grammar: Grammar | str
    """A Grammar, or GBNF source."""
    json_schema: Mapping[str, Any]
    """Makes the output JSON that is valid against this schema."""
    ignore_eos: bool
    parse_special: bool
    truncation: Truncation
    shift: bool
    deadline_ms: int
    queue_wait_ms: int
    priority: Priority
    tenant: str
    cache_scope: str
    adapters: Sequence[tuple[str, float]]


def _grammar_of(options: Options) -> Grammar | None:
    if "grammar" in options and "json_schema" in options:
        raise InvalidArgument("give a grammar or a json_schema, not both", where="grammar")
    if "json_schema" in options:
        return Grammar("json_schema", _schema_text(options["json_schema"]))
    grammar = options.get("grammar")
    if grammar is not None and not isinstance(grammar, str | Grammar):
        raise InvalidArgument(f"must be a string; got {type(grammar).__name__}", where="grammar")
    return Grammar("gbnf", grammar) if isinstance(grammar, str) else grammar


def _schema_text(schema: Mapping[str, Any]) -> str:
    try:
        return json.dumps(schema)
    except RecursionError:
        raise InvalidGrammar("nested too deeply", where="json_schema") from None
    except (TypeError, ValueError) as error:
        raise InvalidGrammar(f"cannot be written as JSON: {error}", where="json_schema") from None


def _finish(request: Request, sampling: SamplingParams | None, options: Options) -> Request:
    if sampling is not None and not isinstance(sampling, SamplingParams):
        raise InvalidArgument(
            f"must be SamplingParams; got {type(sampling).__name__}", where="sampling"
        )
    refuse_unknown(options, Options.__annotations__)
    plain: dict[str, Any] = {
        name: value for name, value in options.items() if name not in ("grammar", "json_schema")
    }
    return replace(
        request, sampling=sampling or SamplingParams(), grammar=_grammar_of(options), **plain
    )


def text_request(prompt: TextPrompt, sampling: SamplingParams | None, options: Options) -> Request:
    """A request that continues a text or token ids as they are."""
    if isinstance(prompt, str):
        return _finish(Request(text=prompt), sampling, options)
    return _finish(Request(tokens=items_of(prompt, "prompt")), sampling, options)


def chat_request(
    messages: ChatPrompt, sampling: SamplingParams | None, options: Options
) -> Request:
    """A request that answers a conversation through the model's chat template."""
    return _finish(Request(messages=to_messages(messages)), sampling, options)
