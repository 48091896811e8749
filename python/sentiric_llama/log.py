# SPDX-License-Identifier: AGPL-3.0-only
"""Logging: one JSON object per line, or short readable lines on a terminal.

Prompts and answers are never logged: events carry names, counts and times only.
"""

from __future__ import annotations

import functools
import json
import logging
import re
import socket
import sys
import traceback
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, TextIO

from sentiric_llama.errors import SentiricLlamaError

SERVICE_NAME = "sentiric-llm-llama-service"
SCHEMA_VERSION = "1.0.0"

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DEBUG_WRAPPED = re.compile(r'Some\("(.*)"\)')
_SEVERITY = {"WARNING": "WARN", "CRITICAL": "FATAL"}
# json.dumps escapes what is below 0x20; terminals also act on DEL, C1 and the two separators.
_CONTROL = {c: f"\\u{c:04x}" for c in (*range(0x7F, 0xA0), 0x2028, 0x2029)}
_CONTROL_PLAIN = _CONTROL | {c: f"\\x{c:02x}" for c in range(0x20)}


@dataclass(frozen=True, slots=True)
class Trace:
    """Who a log line belongs to; None where the caller did not say."""

    trace_id: str | None = None
    span_id: str | None = None
    tenant_id: str | None = None
    request_id: str | None = None


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
    return value if _ID.fullmatch(value) else None


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


class JsonFormatter(logging.Formatter):
    """One line of JSON per record; fields that are unknown are null."""

    def __init__(self, env: str = "") -> None:
        super().__init__()
        self._resource = {
            "service.name": SERVICE_NAME,
            "service.version": version(),
            "service.env": env,
            "host.name": socket.gethostname(),
        }

    def format(self, record: logging.LogRecord) -> str:
        trace = CURRENT_TRACE.get()
        line: dict[str, Any] = {
            "schema_v": SCHEMA_VERSION,
            "ts": _timestamp(record.created),
            "severity": _SEVERITY.get(record.levelname, record.levelname),
            "resource": self._resource,
            "trace_id": trace.trace_id,
            "span_id": trace.span_id,
            "tenant_id": trace.tenant_id,
            "event": _event_name(record),
            "message": record.getMessage(),
        }
        if trace.request_id:
            line["request_id"] = trace.request_id
        if attributes := getattr(record, "attributes", None):
            line["attributes"] = attributes
        if record.exc_info:
            line["exception"] = _describe_exception(record)
        return _printable(json.dumps(line, ensure_ascii=False, default=str), _CONTROL)


class TextFormatter(logging.Formatter):
    """`12:00:00 INFO  EVENT message key=value`, control characters escaped."""

    def format(self, record: logging.LogRecord) -> str:
        clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        severity = _SEVERITY.get(record.levelname, record.levelname)
        attributes = getattr(record, "attributes", None) or {}
        pairs = "".join(f" {key}={value}" for key, value in attributes.items())
        text = f"{_event_name(record)} {record.getMessage()}{pairs}"
        line = f"{clock} {severity:<5} {_printable(text, _CONTROL_PLAIN)}"
        if record.exc_info:
            trace = _describe_exception(record).split("\n")
            line += "".join("\n  " + _printable(part, _CONTROL_PLAIN) for part in trace)
        return line


def set_up_logging(level: str = "info", stream: TextIO | None = None, *, env: str = "") -> None:
    """Sends all logging of this process, uvicorn's included, to `stream` (standard error).

    JSON lines unless the stream is a terminal. Replaces handlers that were there.
    """
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter() if stream.isatty() else JsonFormatter(env))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "httpx2", "httpcore"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)  # their start, stop and request lines repeat ours
    # Llama.cpp tells all it knows about a model: a hundred lines for each start.
    verbose = root.level <= logging.DEBUG
    logging.getLogger("sentiric_llama.ggml").setLevel(
        logging.NOTSET if verbose else logging.WARNING
    )


def _event_name(record: logging.LogRecord) -> str:
    return getattr(record, "event", None) or record.name.upper().replace(".", "_")


def _describe_exception(record: logging.LogRecord) -> str:
    """Frames and type. The text only of errors known to carry no prompt: a KeyError's may."""
    kind, error, frames = record.exc_info or (None, None, None)
    lines = "".join(traceback.format_tb(frames))
    safe = isinstance(error, SentiricLlamaError | OSError)
    return f"{lines}{kind.__name__ if kind else ''}{f': {error}' if safe else ''}"


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _printable(text: str, table: dict[int, str]) -> str:
    return text.encode("utf-8", "replace").decode().translate(table)
