# SPDX-License-Identifier: AGPL-3.0-only
"""Formats log lines for people, short and coloured, with structlog's console renderer."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any

from structlog.dev import Column, ConsoleRenderer, KeyValueColumnFormatter, LogLevelColumnFormatter
from structlog.stdlib import ProcessorFormatter
from structlog.typing import ProcessorReturnValue

from sentiric_llama.host.printable import escaped
from sentiric_llama.log.lines import describe_exception, encodable, event_name, severity, words
from sentiric_llama.log.trace import CURRENT_TRACE

Event = MutableMapping[str, Any]

_RESET = "\x1b[0m"
_COLOURS = {"DEBUG": "\x1b[2m", "INFO": "\x1b[32m", "WARN": "\x1b[33m"}
_COLOURS |= dict.fromkeys(("ERROR", "FATAL"), "\x1b[1;31m")


def text_formatter(*, colours: bool) -> logging.Formatter:
    """`12:00:00 INFO  EVENT message key=value`, with control characters escaped."""
    return ProcessorFormatter(processors=[_text_fields, _renderer(colours), _add_trace])


def _text_fields(_logger: Any, _method: str, event: Event) -> ProcessorReturnValue:
    record: logging.LogRecord = event["_record"]
    attributes = getattr(record, "attributes", None) or {}
    line = {
        "ts": datetime.fromtimestamp(record.created).strftime("%H:%M:%S"),
        "severity": f"{severity(record):<5}",
        "event": event_name(record),
        "message": words(record, event["event"]),
        **attributes,
    }
    shown = {key: escaped(encodable(str(value))) for key, value in line.items()}
    if request_id := CURRENT_TRACE.get().request_id:
        shown["request_id"] = request_id
    if "exc_info" in event:
        frames = describe_exception(event["exc_info"]).split("\n")
        shown["exception"] = "\n".join("  " + escaped(encodable(part)) for part in frames)
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
