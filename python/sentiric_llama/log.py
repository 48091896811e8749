# SPDX-License-Identifier: AGPL-3.0-only
"""Logging: named events, and whose request they belong to.

One JSON object per line, or short readable lines on a terminal; see docs/logs.md. Prompts and
answers are not logged: events carry names, counts and times only, unless LOG_CONTENT asks for more.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import metadata
from typing import Any, TextIO

from sentiric_llama import types
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.foreign_logs import ForeignLines
from sentiric_llama.log_writer import WriterHandler, guard_standard_descriptors

SERVICE_NAME = "sentiric-llm-llama-service"
SCHEMA_VERSION = "1.0.0"

PLACES = frozenset(
    {
        *("body", "message", "messages", "content", "role", "type", "text", "texts", "tokens"),
        *("user_prompt", "system_prompt", "rag_context", "tools", "tool_calls", "functions"),
        *("modalities", "stream", "stream_options", "include_usage", "logprobs", "max_tokens"),
        *("max_completion_tokens", "response_format", "schema", "json_schema", "grammar", "n"),
        *("profile", "hardware", "switch", "model", "queue", "engine", "deadline", "memory"),
        *("health", "stats"),
        *("chat_template", "prompt", "prepare", "decode", "embed", "evaluate", "kv_cache"),
        *("context", "logits", "plan", "sampling", "request", "request_id", "lora_adapter"),
        *("draft_model", "disk_cache", "devices", "grpc", "tls", "serve", "service", "settings"),
    }
)
"""Words that an error may stand at, beside the fields of requests and of the engine."""

_INDEX = re.compile(r"\[(\d{1,6})\]")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DEBUG_WRAPPED = re.compile(r'Some\("(.*)"\)')
_FOREIGN = ("uvicorn", "uvicorn.error", "uvicorn.access", "grpc", "httpx", "httpx2", "httpcore")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}.*")


@dataclass(frozen=True, slots=True)
class Trace:
    """Who a log line belongs to; None where the caller did not say."""

    trace_id: str | None = None
    span_id: str | None = None
    tenant_id: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    """W3C trace context as the caller sent it, for spans; None when there is none."""
    protocol: str = "internal"
    """How the request came in: "http" or "grpc"; a label of metrics."""


CURRENT_TRACE: ContextVar[Trace] = ContextVar("sentiric_trace", default=Trace())  # noqa: B039


def clean_id(value: str | None) -> str | None:
    """An identifier safe to log and to echo, or None.

    Accepts Rust's debug form `Some("id")`, which callers of this service are known to send.
    """
    if value is None:
        return None
    value = value.strip()
    if wrapped := _DEBUG_WRAPPED.fullmatch(value):
        value = wrapped.group(1)
    return value if is_id(value) else None


def is_id(value: str) -> bool:
    """True for what is safe to log and to echo as it is."""
    return _ID.fullmatch(value) is not None


def read_trace(get: Callable[[str], str | None], protocol: str, request_id: str) -> Trace:
    """The ids of one request out of its headers or metadata; `get` knows lower-case names.

    What is no id is ignored. A caller that sends W3C `traceparent` needs no x-trace-id.
    """
    parent = _TRACEPARENT.fullmatch((get("traceparent") or "").strip())
    trace_id, span_id = (parent[1], parent[2]) if parent else (None, None)
    return Trace(
        trace_id=clean_id(get("x-trace-id")) or trace_id,
        span_id=clean_id(get("x-span-id")) or span_id,
        tenant_id=clean_id(get("x-tenant-id")),
        request_id=clean_id(get("x-request-id")) or request_id,
        traceparent=parent[0] if parent else None,
        protocol=protocol,
    )


@functools.cache
def version() -> str:
    """Version of the installed distribution, "0.0.0" in a bare source tree."""
    try:
        return metadata.version(SERVICE_NAME)
    except metadata.PackageNotFoundError:
        return "0.0.0"


def event(
    logger: logging.Logger, name: str, message: str, level: int = logging.INFO, **attributes: Any
) -> None:
    """Logs one named event; `attributes` are numbers and names, never texts of users."""
    logger.log(level, message, extra={"event": name, "attributes": attributes})


def error_fields(error: SentiricLlamaError) -> dict[str, Any]:
    """What a line may say of a refusal: its code, and where in words of ours.

    Never its message: that is the caller's, and may repeat a grammar, a name or a path of theirs.
    """
    words = _INDEX.sub(r".\1", error.where.partition(":")[0]).split(".")
    known = itertools.takewhile(lambda word: word.isdecimal() or word in _places(), words)
    return {"code": error.code.value, "where": ".".join(known)[:64]}


@functools.cache
def _places() -> frozenset[str]:
    """Names of fields and of parts of the engine."""
    kinds = (types.Request, types.SamplingParams, types.EngineConfig)
    return PLACES | {field.name for kind in kinds for field in dataclasses.fields(kind)}


def set_up_logging(
    level: str = "info", stream: TextIO | None = None, *, env: str = "", colours: bool = True
) -> None:
    """Sends all logging of this process, uvicorn's and grpc's included, to `stream` (stderr).

    JSON lines unless the stream is a terminal. Replaces handlers that were there.
    """
    from sentiric_llama import log_lines  # late: the command line's help needs no structlog

    guard_standard_descriptors()
    stream = stream or sys.stderr
    is_terminal = stream is not None and stream.isatty()
    formatter = log_lines.text_formatter(colours=colours) if is_terminal else None
    handler = WriterHandler(stream, formatter or log_lines.json_formatter(env))
    handler.addFilter(ForeignLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    for name in _FOREIGN:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)  # their start, stop and request lines repeat ours
    # Llama.cpp tells all it knows about a model: a hundred lines for each start.
    verbose = root.level <= logging.DEBUG
    logging.getLogger(log_lines.LLAMA_CPP).setLevel(logging.NOTSET if verbose else logging.WARNING)


def flush(timeout_s: float = 1.0) -> bool:
    """True when the lines so far have been written; a reader that is stuck makes it False."""
    return all(handler.writer.flush(timeout_s) for handler in _handlers())


def dropped_lines() -> int:
    """Lines that were lost because nobody read them, since the process began."""
    return sum(handler.writer.dropped for handler in _handlers())


def _handlers() -> Iterator[WriterHandler]:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, WriterHandler):
            yield handler
