# SPDX-License-Identifier: AGPL-3.0-only
"""The log's way out: slow, gone and broken readers cost lines, never time."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from sentiric_llama.log.lines import JsonFormatter
from sentiric_llama.log.writer import MAX_LINES, LineWriter, WriterHandler


def loss(missing: int) -> str:
    return f"lost {missing}"


class Gate(io.StringIO):
    """A stream whose reader takes nothing until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()
        self.entered = threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        assert self.opened.wait(60)
        return super().write(text)


class Broken(io.StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error

    def write(self, text: str) -> int:
        if self.error is not None:
            raise self.error
        return super().write(text)


def test_lines_keep_their_order() -> None:
    out = io.StringIO()
    writer = LineWriter(out, loss)
    for number in range(1000):
        writer.put(str(number))
    assert writer.flush(60) and writer.dropped == 0
    assert out.getvalue().split() == [str(number) for number in range(1000)]


def test_a_blocked_reader_costs_lines_and_they_are_counted() -> None:
    out = Gate()
    writer = LineWriter(out, loss)
    writer.put("first")
    assert out.entered.wait(60)
    for number in range(MAX_LINES + 7):
        writer.put(str(number))
    assert writer.dropped == 7
    assert not writer.flush(0)
    out.opened.set()
    assert writer.flush(60)
    lines = out.getvalue().splitlines()
    assert lines[:3] == ["first", "lost 7", "0"] and lines[-1] == str(MAX_LINES - 1)


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "full"), ValueError("closed")])
def test_a_broken_reader_costs_lines_until_it_is_back(error: Exception) -> None:
    out = Broken(error)
    writer = LineWriter(out, loss)
    writer.put("a")
    writer.put("b")
    assert writer.flush(60) and writer.dropped == 2
    out.error = None
    writer.put("c")
    assert writer.flush(60)
    assert out.getvalue().splitlines() == ["c", "lost 2"]


def test_the_lost_lines_are_told_in_the_schema() -> None:
    out = Broken(BrokenPipeError())
    handler = WriterHandler(out, JsonFormatter())
    record = logging.makeLogRecord({"name": "n", "msg": "x", "levelno": 20, "levelname": "INFO"})
    handler.emit(record)
    assert handler.writer.flush(60)
    out.error = None
    handler.emit(record)
    handler.flush()
    told = json.loads(out.getvalue().splitlines()[-1])
    assert told["event"] == "LOG_LINES_DROPPED" and told["attributes"] == {"lines": 1}


def test_a_message_that_cannot_be_formatted_ends_nothing() -> None:
    handler = WriterHandler(io.StringIO(), JsonFormatter())
    handler.emit(
        logging.makeLogRecord({"name": "n", "msg": "%d", "args": ("x",), "levelname": "INFO"})
    )
    assert handler.writer.dropped == 1


def test_no_stream_at_all() -> None:
    writer = LineWriter(None, loss)
    writer.put("x")
    assert writer.flush(60) and writer.dropped == 0


def test_a_pipe_without_room_that_must_not_wait() -> None:
    """A reader's end may be non-blocking, and a line may go out in pieces."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    line = "x" * 300_000  # more than a pipe holds
    with os.fdopen(read_end, "r") as reader, os.fdopen(write_end, "w") as stream:
        writer = LineWriter(stream, loss)
        writer.put(line)
        assert reader.readline() == line + "\n"
        assert writer.flush(60) and writer.dropped == 0


SCRIPT = """
import logging, os, sys
from sentiric_llama.log import events, setup
setup.set_up_logging("info")
for _ in range(20_000):
    events.event(logging.getLogger("x"), "SOME_EVENT", "hello")
descriptor = os.open(os.devnull, os.O_RDONLY)
print(setup.dropped_lines(), descriptor)
"""


def run_script(**options: Any) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True, timeout=60, **options
    )
    assert done.returncode == 0
    return [int(word) for word in done.stdout.split()]


def test_a_process_whose_log_nobody_reads_goes_on_and_exits() -> None:
    read_end, write_end = os.pipe()
    dropped, _ = run_script(stderr=write_end)  # the pipe fills up and stays full
    os.close(read_end)
    os.close(write_end)
    assert dropped > 20_000 - MAX_LINES - 1000


def test_a_process_whose_log_reader_left_goes_on_and_exits() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    dropped, _ = run_script(stderr=write_end)
    os.close(write_end)
    assert dropped > 0


def test_a_closed_standard_error_is_no_number_for_a_socket() -> None:
    dropped, descriptor = run_script(preexec_fn=lambda: os.close(2))
    assert dropped == 0 and descriptor > 2
