# SPDX-License-Identifier: AGPL-3.0-only
"""Where log lines go, and in which form."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import TextIO

from sentiric_llama.log.foreign import ForeignLines
from sentiric_llama.log.writer import WriterHandler, guard_standard_descriptors

_FOREIGN = ("uvicorn", "uvicorn.error", "uvicorn.access", "grpc", "httpx", "httpx2", "httpcore")


def set_up_logging(
    level: str = "info",
    stream: TextIO | None = None,
    *,
    env: str = "",
    colours: bool = True,
    form: str = "auto",
) -> None:
    """Sends all logging of this process, uvicorn's and grpc's included, to `stream` (stderr).

    `form` is the setting LOG_FORMAT; "auto" is JSON lines unless the stream is a terminal. Replaces
    handlers that were there.
    """

    from sentiric_llama.log import lines  # late: the command line's help needs no structlog

    guard_standard_descriptors()
    stream = stream or sys.stderr
    is_terminal = stream is not None and stream.isatty()
    is_text = form == "text" or (form == "auto" and is_terminal)
    formatter = lines.text_formatter(colours=colours and is_terminal) if is_text else None
    handler = WriterHandler(stream, formatter or lines.json_formatter(env))
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
    logging.getLogger(lines.LLAMA_CPP).setLevel(logging.NOTSET if verbose else logging.WARNING)


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
