# SPDX-License-Identifier: AGPL-3.0-only
"""Sets up logging: where lines go, and in which form."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import TextIO

from sentiric_llama.log.foreign import ForeignLines
from sentiric_llama.log.writer import WriterHandler, guard_standard_descriptors

_FOREIGN = (
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "grpc",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
)


def set_up_logging(
    level: str = "info",
    stream: TextIO | None = None,
    *,
    env: str = "",
    colours: bool = True,
    form: str = "auto",
) -> None:
    """Sends all logging of the process, including uvicorn's and gRPC's, to `stream` (stderr).

    `form` is the setting LOG_FORMAT; "auto" is JSON unless the stream is a terminal. Replaces all
    existing handlers.
    """
    from sentiric_llama.log import lines  # late: the command line's help needs no log

    guard_standard_descriptors()
    stream = stream or sys.stderr
    is_terminal = stream is not None and stream.isatty()
    is_text = form == "text" or (form == "auto" and is_terminal)
    if is_text:
        from sentiric_llama.log.console import text_formatter

        handler = WriterHandler(stream, text_formatter(colours=colours and is_terminal))
    else:
        handler = WriterHandler(stream, lines.JsonFormatter(env))
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
    # Llama.cpp logs all metadata of a model: a hundred lines per start.
    verbose = root.level <= logging.DEBUG
    logging.getLogger(lines.LLAMA_CPP).setLevel(logging.NOTSET if verbose else logging.WARNING)


def flush(timeout_s: float = 1.0) -> bool:
    """Waits until all lines so far are written. False if the output is blocked."""
    return all(handler.writer.flush(timeout_s) for handler in _handlers())


def dropped_lines() -> int:
    """How many lines were dropped since the process started because the output was blocked."""
    return sum(handler.writer.dropped for handler in _handlers())


def _handlers() -> Iterator[WriterHandler]:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, WriterHandler):
            yield handler
