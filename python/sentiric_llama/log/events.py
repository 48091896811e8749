# SPDX-License-Identifier: AGPL-3.0-only
"""Named log events. They carry names, counts and times, never a caller's text."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import logging
import re
from typing import Any

from sentiric_llama import types
from sentiric_llama.errors import ErrorCode, SentiricLlamaError

SCHEMA_VERSION = "1.0.0"

PLACES = frozenset(
    {
        *("body", "message", "messages", "content", "role", "type", "text", "texts", "tokens"),
        *("user_prompt", "system_prompt", "rag_context", "tools", "tool_calls", "functions"),
        *("modalities", "stream", "stream_options", "include_usage", "logprobs", "max_tokens"),
        *("max_completion_tokens", "response_format", "schema", "json_schema", "grammar", "n"),
        *("profile", "hardware", "switch", "model", "queue", "engine", "deadline", "memory"),
        *("health", "stats", "reader", "engine_specific_params", "history", "function_call"),
        *("tool_choice", "name", "min_tokens", "stop_token_ids", "max_new_tokens"),
        *("chat_template", "prompt", "prepare", "decode", "embed", "evaluate", "kv_cache"),
        *("context", "logits", "plan", "sampling", "request", "request_id", "lora_adapter"),
        *("pattern", "format", "number", "regex", "choice", "structured_outputs", "guided_json"),
        *("guided_regex", "guided_choice", "guided_grammar", "gbnf", "choices", "json"),
        *("json_object", "chat_template_kwargs", "input", "suffix", "prompts"),
        *("draft_model", "disk_cache", "devices", "grpc", "tls", "serve", "service", "settings"),
        *("key", "keys", "tool_call_id", "parameters", "structure", "arguments", "output"),
        *("instructions", "system", "reasoning_content", "function", "call_id", "tool_use_id"),
    }
)
"""Words that the log may show of an error's `where`, besides fields of requests and engines."""

_FAULTS = frozenset(
    {ErrorCode.INTERNAL, ErrorCode.NUMERIC, ErrorCode.OUT_OF_MEMORY, ErrorCode.MODEL_INVALID}
)
_INDEX = re.compile(r"\[(\d{1,6})\]")


def event(
    logger: logging.Logger, name: str, message: str, level: int = logging.INFO, **attributes: Any
) -> None:
    """Logs one named event. `attributes` are numbers and names, never texts of callers."""
    logger.log(level, message, extra={"event": name, "attributes": attributes})


def error_fields(error: SentiricLlamaError) -> dict[str, Any]:
    """What a log line may show of an error: its code, and where it happened in known words.

    Never the message, which may repeat a grammar, a name or a path of the caller.
    """
    words = _INDEX.sub(r".\1", error.where.partition(":")[0]).split(".")
    known = itertools.takewhile(lambda word: word.isdecimal() or word in _places(), words)
    return {"code": error.code.value, "where": ".".join(known)[:64]}


def error_level(error: SentiricLlamaError) -> int:
    """WARNING for what the server did wrong, INFO for what a caller or its limits did."""
    return logging.WARNING if error.code in _FAULTS else logging.INFO


@functools.cache
def _places() -> frozenset[str]:
    """All words that the log may show of an error's `where`."""
    kinds = (types.Request, types.SamplingParams, types.EngineConfig)
    return PLACES | {field.name for kind in kinds for field in dataclasses.fields(kind)}
