# SPDX-License-Identifier: AGPL-3.0-only
"""Formats log lines: JSON for machines, short and coloured for a terminal.

Built from structlog's processors, through which every record of `logging` passes.
"""

from __future__ import annotations

import errno
import json
import logging
import socket
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

from structlog.dev import Column, ConsoleRenderer, KeyValueColumnFormatter, LogLevelColumnFormatter
from structlog.processors import JSONRenderer
from structlog.stdlib import ProcessorFormatter
from structlog.typing import ProcessorReturnValue

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.printable import escaped, escaped_json
from sentiric_llama.host.product import SERVICE_NAME, version
from sentiric_llama.log.events import SCHEMA_VERSION, error_fields
from sentiric_llama.log.trace import CURRENT_TRACE

LLAMA_CPP = "sentiric_llama.ggml"
"""The logger of llama.cpp's own lines."""

Event = MutableMapping[str, Any]

_SPEAKS_OF_VALUES = frozenset(
    {"uvicorn", "grpc", "httpx", "httpx2", "httpcore", "httpcore2", "h11", "starlette"}
    | {"asyncio", "concurrent"}
)
_SEVERITY = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_RESET = "\x1b[0m"
_COLOURS = {"DEBUG": "\x1b[2m", "INFO": "\x1b[32m", "WARN": "\x1b[33m"}
_COLOURS |= dict.fromkeys(("ERROR", "FATAL"), "\x1b[1;31m")


def json_formatter(env: str = "") -> logging.Formatter:
    """One line of JSON per record; unknown fields are null."""
    return ProcessorFormatter(processors=[_JsonFields(env), JSONRenderer(_dump)])


def text_formatter(*, colours: bool) -> logging.Formatter:
    """`12:00:00 INFO  EVENT message key=value`, with control characters escaped."""
    return ProcessorFormatter(processors=[_text_fields, _renderer(colours), _add_trace])


class _JsonFields:
    """The fields of the log schema, in its order."""

    def __init__(self, env: str) -> None:
        self._resource = {
            "service.name": SERVICE_NAME,
            "service.version": version(),
            "service.env": env,
            "host.name": socket.gethostname(),
        }

    def __call__(self, _logger: Any, _method: str, event: Event) -> ProcessorReturnValue:
        record: logging.LogRecord = event["_record"]
        trace = CURRENT_TRACE.get()
        line: dict[str, Any] = {
            "schema_v": SCHEMA_VERSION,
            "ts": _timestamp(record.created),
            "severity": _severity(record),
            "resource": self._resource,
            "trace_id": trace.trace_id,
            "span_id": trace.span_id,
            "tenant_id": trace.tenant_id,
            "event": _event_name(record),
            "message": _words(record, event["event"]),
        }
        if trace.request_id:
            line["request_id"] = trace.request_id
        if attributes := getattr(record, "attributes", None):
            line["attributes"] = attributes
        if "exc_info" in event:
            line["exception"] = describe_exception(event["exc_info"])
        return line


def _dump(line: dict[str, Any], **_options: Any) -> str:
    return escaped_json(_encodable(json.dumps(line, ensure_ascii=False, default=str)))


def _text_fields(_logger: Any, _method: str, event: Event) -> ProcessorReturnValue:
    record: logging.LogRecord = event["_record"]
    attributes = getattr(record, "attributes", None) or {}
    line = {
        "ts": datetime.fromtimestamp(record.created).strftime("%H:%M:%S"),
        "severity": f"{_severity(record):<5}",
        "event": _event_name(record),
        "message": _words(record, event["event"]),
        **attributes,
    }
    shown = {key: escaped(_encodable(str(value))) for key, value in line.items()}
    if request_id := CURRENT_TRACE.get().request_id:
        shown["request_id"] = request_id
    if "exc_info" in event:
        frames = describe_exception(event["exc_info"]).split("\n")
        shown["exception"] = "\n".join("  " + escaped(_encodable(part)) for part in frames)
    return shown


def _renderer(colours: bool) -> ConsoleRenderer:
    def column(name: str, style: str, key_style: str | None = None) -> Column:
        reset = _RESET if colours else ""
        return Column(name, KeyValueColumnFormatter(key_style, style, reset, str))

    def styled(style: str) -> str:
        return style if colours else ""

    levels = {f"{name:<5}": styled(style) for name, style in _COLOURS.items()}
    severity = LogLevelColumnFormatter(levels, _RESET if colours else "", width=0)
    return ConsoleRenderer(
        exception_formatter=lambda _out, _info: None,
        columns=[
            column("ts", styled("\x1b[2m")),
            Column("severity", lambda _key, value: severity("", value).strip("[]")),
            column("event", styled("\x1b[1m")),
            column("message", ""),
            column("", styled("\x1b[36m"), styled("\x1b[2m")),
        ],
    )


def _add_trace(_logger: Any, _method: str, line: Any) -> ProcessorReturnValue:
    return str(line).rstrip()


def describe_exception(info: Any) -> str:
    """Frames and type of an exception, never its text, which may repeat a caller's input."""
    kind, error, frames = info if isinstance(info, tuple) else (type(info), info, None)
    lines = "".join(traceback.format_tb(frames))
    return f"{lines}{kind.__name__ if kind else ''}{_detail(error)}"


def _detail(error: BaseException | None) -> str:
    """The place of our own errors and the errno of the system's."""
    if isinstance(error, SentiricLlamaError):
        fields = error_fields(error)
        return f" [{fields['where']}]" if fields["where"] else ""
    if isinstance(error, OSError) and error.errno:
        return f" {errno.errorcode.get(error.errno, error.errno)}"
    return ""


def _words(record: logging.LogRecord, text: str) -> str:
    """The message. Lines of servers and event loops lose their values, which may be a caller's.

    Cut after the first line, below which asyncio writes the repr of a callback or an exception.
    """
    if record.name.partition(".")[0] in _SPEAKS_OF_VALUES:
        return str(record.msg).partition("\n")[0]
    return text


def _event_name(record: logging.LogRecord) -> str:
    if record.name == LLAMA_CPP:
        return f"LLAMA_CPP_{_severity(record)}"
    return getattr(record, "event", None) or record.name.upper().replace(".", "_")


def _severity(record: logging.LogRecord) -> str:
    return _SEVERITY.get(record.levelname, record.levelname)


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
