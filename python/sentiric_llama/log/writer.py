# SPDX-License-Identifier: AGPL-3.0-only
"""Log lines leave on a thread of their own: a full disk or a blocked pipe never blocks serving."""

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
"""Lines that may wait for a slow reader; what comes on top is dropped and counted."""


class LineWriter:
    """Writes lines in order. `put` is safe on any thread, in finalizers too, and never waits."""

    def __init__(self, stream: TextIO | None, describe_loss: Callable[[int], str]) -> None:
        """`describe_loss(n)` is the line that says that n lines are missing."""
        self.dropped = 0
        self._write = _writer_of(stream)
        self._describe_loss = describe_loss
        self._reported = 0
        # A SimpleQueue may be used again inside its own `put`, as a finalizer that logs does.
        self._lines: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        if self._lines.qsize() < MAX_LINES:
            self._lines.put(line)
        else:
            self.dropped += 1

    def flush(self, timeout_s: float) -> bool:
        """True when all lines put so far were written or dropped within the time."""
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
    """Formats where the event happens, which knows whose request it is, and hands the line over."""

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
        """At exit: gives a slow reader one second."""
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
    """Opens what is closed of 0, 1 and 2, so that no socket gets a number that C code prints to."""
    with contextlib.suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)


def _writer_of(stream: TextIO | None) -> Callable[[str], None]:
    """Straight to the descriptor where there is one: no buffer is left to block the exit."""
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
