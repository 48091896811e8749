# SPDX-License-Identifier: AGPL-3.0-only
"""Formats log lines as JSON for machines; `console` has those for people."""

from __future__ import annotations

import errno
import json
import logging
import socket
import traceback
from datetime import UTC, datetime
from typing import Any

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.printable import escaped_json
from sentiric_llama.host.product import SERVICE_NAME, version
from sentiric_llama.log.events import SCHEMA_VERSION, error_fields
from sentiric_llama.log.trace import CURRENT_TRACE

LLAMA_CPP = "sentiric_llama.ggml"
"""The logger of llama.cpp's own lines."""

_SPEAKS_OF_VALUES = frozenset(
    {"uvicorn", "grpc", "httpx", "httpx2", "httpcore", "httpcore2", "h11", "starlette"}
    | {"asyncio", "concurrent"}
)
_SEVERITY = {"WARNING": "WARN", "CRITICAL": "FATAL"}


class JsonFormatter(logging.Formatter):
    """One line of JSON per record, its fields in the order of the log schema.

    Unknown fields are null.
    """

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
            "severity": severity(record),
            "resource": self._resource,
            "trace_id": trace.trace_id,
            "span_id": trace.span_id,
            "tenant_id": trace.tenant_id,
            "event": event_name(record),
            "message": words(record, record.getMessage()),
        }
        if trace.request_id:
            line["request_id"] = trace.request_id
        if attributes := getattr(record, "attributes", None):
            line["attributes"] = attributes
        if record.exc_info:
            line["exception"] = describe_exception(record.exc_info)
        return escaped_json(encodable(json.dumps(line, ensure_ascii=False, default=str)))


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


def words(record: logging.LogRecord, text: str) -> str:
    """The message. Lines of servers and event loops lose their values, which may be a caller's.

    Cut after the first line, below which asyncio writes the repr of a callback or an exception.
    """
    if record.name.partition(".")[0] in _SPEAKS_OF_VALUES:
        return str(record.msg).partition("\n")[0]
    return text


def event_name(record: logging.LogRecord) -> str:
    """The name of a record's event; of other libraries, their logger's."""
    if record.name == LLAMA_CPP:
        return f"LLAMA_CPP_{severity(record)}"
    return getattr(record, "event", None) or record.name.upper().replace(".", "_")


def severity(record: logging.LogRecord) -> str:
    """The level in the words of the log schema."""
    return _SEVERITY.get(record.levelname, record.levelname)


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encodable(text: str) -> str:
    """The text with "?" for lone surrogates."""
    return text.encode("utf-8", "replace").decode()
