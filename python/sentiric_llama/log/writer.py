# SPDX-License-Identifier: AGPL-3.0-only
"""Writes log lines on a thread, so that a full disk or a blocked pipe blocks no request."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import select
import threading
from collections.abc import Callable
from typing import TextIO

MAX_LINES = 4096
"""Lines that may wait for a slow reader; further lines are dropped and counted."""


class LineWriter:
    """Writes lines in order. `put` never waits and is safe on any thread and in finalizers."""

    def __init__(self, stream: TextIO | None, describe_loss: Callable[[int], str]) -> None:
        """`describe_loss(n)` makes the line that reports n dropped lines."""
        self.dropped = 0
        self._write = _writer_of(stream)
        self._describe_loss = describe_loss
        self._reported = 0
        # A SimpleQueue is reentrant: a finalizer that logs may run inside its `put`.
        self._lines: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        if self._lines.qsize() < MAX_LINES:
            self._lines.put(line)
        else:
            self.dropped += 1

    def flush(self, timeout_s: float) -> bool:
        """Waits until all lines so far are written or dropped. False after `timeout_s`."""
        reached = threading.Event()
        self._lines.put(reached)
        return reached.wait(timeout_s)

    def _run(self) -> None:
        while True:
            item = self._lines.get()
            if isinstance(item, threading.Event):
                item.set()
            elif self._try(item) and self._reported < self.dropped:
                missing, self._reported = self.dropped - self._reported, self.dropped
                self._try(self._describe_loss(missing))

    def _try(self, line: str) -> bool:
        try:
            self._write(line + "\n")
        except (OSError, ValueError):  # nobody reads, the disk is full, or the stream is closed
            self.dropped += 1
            return False
        return True


class WriterHandler(logging.Handler):
    """Formats a record in the caller's context, which has the request's ids, and queues it."""

    def __init__(self, stream: TextIO | None, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.writer = LineWriter(stream, self._describe_loss)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.writer.put(self.format(record))
        except Exception:  # a message that cannot be formatted must not end a request
            self.writer.dropped += 1

    def flush(self) -> None:
        """Gives a slow reader one second at exit."""
        self.writer.flush(1.0)

    def _describe_loss(self, missing: int) -> str:
        fields = {
            "name": __name__,
            "levelno": logging.WARNING,
            "levelname": "WARNING",
            "msg": "log lines were dropped: their reader is too slow or gone",
            "event": "LOG_LINES_DROPPED",
            "attributes": {"lines": missing},
        }
        return self.format(logging.makeLogRecord(fields))


def guard_standard_descriptors() -> None:
    """Opens closed descriptors 0, 1 and 2, so that no socket gets one that C code prints to."""
    with contextlib.suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)


def _writer_of(stream: TextIO | None) -> Callable[[str], None]:
    """Writes to the descriptor if there is one, so that no buffer blocks the exit."""
    if stream is None:
        return lambda _text: None
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return lambda text: _write_text(stream, text)
    return lambda text: _write_all(descriptor, text.encode("utf-8", "replace"))


def _write_text(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
