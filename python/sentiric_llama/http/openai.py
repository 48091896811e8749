# SPDX-License-Identifier: AGPL-3.0-only
"""`/v1/chat/completions` requests: JSON checked once and turned into typed values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from sentiric_llama.errors import InvalidArgument, SentiricLlamaError
from sentiric_llama.http.json_body import Fields
from sentiric_llama.service.chat_call import MAX_GRAMMAR_BYTES, MAX_MESSAGES, ROLES, ChatCall
from sentiric_llama.types import Grammar, Message, Priority, Truncation
from sentiric_llama.types.ranges import (
    CHOICES,
    MAX_TOKENS,
    SAMPLING_ALIASES,
    SAMPLING_RANGES,
    out_of_range,
    parse_sampling,
    parse_stop,
)

TRUNCATIONS = ("drop_turns", "shift", "error")
PRIORITIES = ("realtime", "normal", "batch")
FORMATS = ("text", "json_object", "json_schema")
_SAMPLING = frozenset(
    {*SAMPLING_RANGES, *SAMPLING_ALIASES, "dry_sequence_breakers", "logit_bias"}
) - {"top_logprobs"}
_USED = frozenset(
    {
        *("messages", "model", "stream", "stream_options", "n", "stop", "ignore_eos"),
        *("max_tokens", "max_completion_tokens", "logprobs", "top_logprobs"),
        *("response_format", "grammar", "json_schema", "truncation", "modalities", "priority"),
        *("system_prompt", "rag_context", "lora_adapter"),
        *("tools", "tool_choice", "functions", "function_call"),
    }
)
_IGNORED = frozenset(
    {
        *("user", "metadata", "store", "service_tier", "prompt_cache_key", "safety_identifier"),
        *("verbosity", "reasoning_effort", "prediction", "web_search_options"),
        *("parallel_tool_calls", "chat_template_kwargs"),
        *("cache_prompt", "id_slot", "timings_per_token", "return_progress"),
    }
)
"""Fields that clients send and that change nothing here."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat call and how its answer is to be written."""

    call: ChatCall
    stream: bool = False
    include_usage: bool = False
    logprobs: bool = False
    grammar_field: str = ""
    """Where the caller wrote `call.grammar`."""

    def blame(self, error: SentiricLlamaError) -> SentiricLlamaError:
        """The error; one about a schema names the field that this caller used."""
        kind, _, position = error.where.partition(":")
        if kind not in ("grammar", "json_schema") or not self.grammar_field:
            return error
        where = ":".join(filter(None, (self.grammar_field, position)))
        return type(error)(error.what, where=where)


def parse_chat(body: dict[str, Any], *, strict: bool = False) -> ChatRequest:
    """A validated request. Raises InvalidArgument with the field in `where`.

    Unknown fields are ignored, or refused when `strict`.
    """
    fields = Fields(body)
    if strict:
        refuse_unknown(body)
    refuse_unsupported(fields)
    logprobs = fields.flag("logprobs")
    sampling = parse_sampling({name: body[name] for name in _SAMPLING & body.keys()})
    if (top := _top_logprobs(fields, logprobs)) is not None:
        sampling["top_logprobs"] = top
    n = body.get("n")
    grammar_field, grammar = parse_grammar(fields)
    call = ChatCall(
        messages=parse_messages(fields),
        model=fields.text("model"),
        system_prompt=fields.text("system_prompt"),
        rag_context=fields.text("rag_context"),
        lora_adapter=fields.text("lora_adapter"),
        sampling=sampling,
        max_tokens=parse_max_tokens(body),
        stop=() if body.get("stop") is None else parse_stop(body["stop"]),
        grammar=grammar,
        ignore_eos=fields.flag("ignore_eos"),
        truncation=cast("Truncation | None", _choice(fields, "truncation", TRUNCATIONS)),
        priority=cast("Priority", _choice(fields, "priority", PRIORITIES) or "normal"),
        n=1 if n is None else int(CHOICES.check(n)),
    )
    options = Fields(fields.object("stream_options") or {}, "stream_options")
    return ChatRequest(
        call=call,
        stream=fields.flag("stream"),
        include_usage=options.flag("include_usage"),
        logprobs=logprobs,
        grammar_field=grammar_field,
    )


def refuse_unknown(body: dict[str, Any]) -> None:
    known = _SAMPLING | _USED | _IGNORED
    if unknown := sorted(body.keys() - known):
        raise InvalidArgument(f"unknown field; got {unknown[0][:60]!r}", where="body")


def refuse_unsupported(fields: Fields) -> None:
    """Says no to what a caller would miss if it were ignored."""
    no_tools = fields.values.get("tool_choice") == "none"
    for name in ("tools", "functions"):
        if fields.items(name) and not no_tools:
            raise InvalidArgument(
                'tool calls are not supported yet; leave it out or set tool_choice to "none"',
                where=name,
            )
    modalities = fields.items("modalities")
    if modalities is not None and modalities != ["text"]:
        raise fields.refuse("modalities", '["text"]')


def parse_messages(fields: Fields) -> tuple[Message, ...]:
    """The conversation, in order."""
    items = fields.items("messages")
    if items is None:
        raise InvalidArgument("required; got nothing, allowed a list of messages", where="messages")
    if not 1 <= len(items) <= MAX_MESSAGES:
        raise out_of_range("messages", items, f"1..{MAX_MESSAGES} messages")
    return tuple(_message(item, f"messages.{index}") for index, item in enumerate(items))


def _message(item: object, where: str) -> Message:
    if not isinstance(item, dict):
        raise out_of_range(where, item, "an object with role and content")
    fields = Fields(item, where)
    role = fields.text("role")
    if role not in ROLES:
        raise fields.refuse("role", " | ".join(ROLES))
    if fields.items("tool_calls"):
        raise InvalidArgument("tool calls are not supported yet", where=f"{where}.tool_calls")
    return Message(role, _content(fields, where))


def _content(fields: Fields, where: str) -> str:
    """Text of a message: a string, null, or text parts joined by newlines."""
    content = fields.values.get("content")
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise fields.refuse("content", "a string, a list of parts, or null")
    return "\n".join(_part(part, f"{where}.content.{index}") for index, part in enumerate(content))


def _part(part: object, where: str) -> str:
    if not isinstance(part, dict):
        raise out_of_range(where, part, 'an object {"type": "text", "text": ...}')
    fields = Fields(part, where)
    kind = fields.text("type")
    if kind != "text":
        raise InvalidArgument(
            f"this kind of content is not supported; got {(kind or 'nothing')[:40]!r}, "
            "allowed 'text'",
            where=f"{where}.type",
        )
    text = fields.text("text")
    if text is None:
        raise fields.refuse("text", "a string")
    return text


def parse_max_tokens(body: dict[str, Any]) -> int | None:
    """`max_completion_tokens`, else `max_tokens`; -1 and null are the default."""
    limits = []
    for name in ("max_completion_tokens", "max_tokens"):
        if body.get(name) is not None:
            limits.append(int(MAX_TOKENS.check(body[name], name)))
    return next((limit for limit in limits if limit >= 0), None)


def parse_grammar(fields: Fields) -> tuple[str, Grammar | None]:
    """What the answer must follow, from whichever one of three fields says it, and that field."""
    found = {
        "grammar": _gbnf(fields),
        "json_schema": _schema(fields, "json_schema"),
        "response_format": _response_format(fields),
    }
    given = [name for name, grammar in found.items() if grammar is not None]
    if len(given) > 1:
        raise InvalidArgument(
            f"only one of grammar, json_schema and response_format; got {' and '.join(given)}",
            where=given[-1],
        )
    return (given[0], found[given[0]]) if given else ("", None)


def _gbnf(fields: Fields) -> Grammar | None:
    text = fields.text("grammar")
    if not text:
        return None
    if len(text.encode()) > MAX_GRAMMAR_BYTES:
        raise out_of_range("grammar", text, f"at most {MAX_GRAMMAR_BYTES} bytes")
    return Grammar("gbnf", text)


def _schema(fields: Fields, name: str, where: str = "") -> Grammar | None:
    schema = fields.object(name)
    if schema is None:
        return None
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > MAX_GRAMMAR_BYTES:
        raise out_of_range(where or name, schema, f"at most {MAX_GRAMMAR_BYTES} bytes")
    return Grammar("json_schema", text)


def _response_format(fields: Fields) -> Grammar | None:
    value = fields.object("response_format")
    if value is None:
        return None
    inner = Fields(value, "response_format")
    kind = inner.text("type")
    if kind not in FORMATS:
        raise inner.refuse("type", " | ".join(FORMATS))
    if kind == "text":
        return None
    if kind == "json_object":  # llama.cpp lets a schema ride along
        return _schema(inner, "schema", "response_format") or Grammar("json_object")
    wrapper = inner.object("json_schema")
    if wrapper is None:
        raise inner.refuse("json_schema", 'an object {"name": ..., "schema": ...}')
    named = Fields(wrapper, "response_format.json_schema")
    named.text("name")
    named.flag("strict")
    grammar = _schema(named, "schema", "response_format")
    if grammar is None:
        raise named.refuse("schema", "a JSON schema object")
    return grammar


def _top_logprobs(fields: Fields, logprobs: bool) -> int | None:
    value = fields.values.get("top_logprobs")
    if value is None:
        return 0 if logprobs else None
    count = int(SAMPLING_RANGES["top_logprobs"].check(value))
    if not logprobs:
        raise InvalidArgument("needs logprobs: true", where="top_logprobs")
    return count


def _choice(fields: Fields, name: str, allowed: tuple[str, ...]) -> str | None:
    """One of a few words, None when not given."""
    value = fields.text(name)
    if value is not None and value not in allowed:
        raise fields.refuse(name, " | ".join(allowed))
    return value
