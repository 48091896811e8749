# SPDX-License-Identifier: AGPL-3.0-only
"""Where a verb speaks: answers on standard output, everything else on standard error.

Rich draws tables and colours on a terminal; a pipe gets plain text, and `--json` one JSON value.
Every text passes `printable`: names, errors and answers come from files, callers and servers, and
none of them may steer a terminal. Nothing else in this package writes to the standard streams.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from sentiric_llama.errors import ERROR_TABLE, ErrorCode, SentiricLlamaError
from sentiric_llama.host.printable import json_text, printable, printable_line

if TYPE_CHECKING:
    from sentiric_llama.host.drawing import Bars, LiveTable

COLORS = ("auto", "always", "never")
DIM = "dim"


@dataclass(frozen=True, slots=True)
class Terminal:
    """One run's way of speaking. Standard output and error are looked up at each call."""

    program: str = "sentiric-llama"
    as_json: bool = False
    quiet: bool = False
    color: str = "auto"

    def answer(self, text: str) -> None:
        """A line, or several, of what was asked for."""
        put(f"{text}\n", sys.stdout)

    def answer_json(self, value: Any) -> None:
        """The whole answer as one JSON value."""
        put(json_text(value, indent=2, default=str) + "\n", sys.stdout)

    def answer_json_line(self, value: Any) -> None:
        """One of several JSON values, each on a line."""
        put(json_text(value) + "\n", sys.stdout)

    def answer_table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A drawn table on a terminal, tab-separated lines with a header in a pipe."""
        cleaned = [[printable_line(cell) for cell in row] for row in (header, *rows)]
        if not self.draws_answers:
            for row in cleaned:
                self.answer("\t".join(row))
            return
        from sentiric_llama.host.drawing import draw_table

        draw_table(sys.stdout, self.draws_answers, cleaned)

    def answer_styled(self, parts: Iterable[tuple[str, str]]) -> None:
        """A line of texts with the names of their styles."""
        self._draw(sys.stdout, parts)

    def pass_on(self, text: str) -> None:
        """A model's words as they come: to the byte in a pipe, without controls on a terminal."""
        put(text, sys.stdout, is_exact=not sys.stdout.isatty())

    def show(self, text: str) -> None:
        """A piece of a conversation."""
        put(text, sys.stdout)

    def note(self, text: str) -> None:
        """Something a person should know; nothing with `--quiet`."""
        if not self.quiet:
            tell(text)

    def note_dim(self, text: str) -> None:
        """A line beside a conversation."""
        self._draw(sys.stderr, [(text, DIM)])

    def note_json(self, value: Any) -> None:
        """One JSON value on a line of standard error."""
        tell(json_text(value))

    def fail(self, error: SentiricLlamaError) -> int:
        """Tells the error and returns the exit code that stands for it."""
        if self.as_json:
            self.note_json({"error": error_as_json(error)})
        else:
            tell(f"{self.program}: {error}")
        return error.mapping.exit_code

    def crash(self, error: BaseException) -> int:
        """A defect: its frames, and the exit code of one. Its text may be another's."""
        tell("".join(traceback.format_exception(error)).rstrip("\n"))
        return ERROR_TABLE[ErrorCode.INTERNAL].exit_code

    def read_line(self, prompt: str) -> str:
        """A line that a person types; what is shown of it is what they pressed."""
        return input(printable(prompt))

    @property
    def draws_answers(self) -> bool:
        """True when colours and tables may be drawn on standard output."""
        return self._is_rich(sys.stdout)

    @property
    def draws_notes(self) -> bool:
        """The same of standard error."""
        return self._is_rich(sys.stderr)

    def live_table(self) -> AbstractContextManager[LiveTable]:
        """A table on standard output that changes in its place."""
        from sentiric_llama.host.drawing import live_table

        return live_table(sys.stdout, self.draws_answers)

    def bars(self) -> AbstractContextManager[Bars]:
        """Bars of downloads on standard error."""
        from sentiric_llama.host.drawing import bars

        return bars(sys.stderr, self.draws_notes)

    def _is_rich(self, stream: TextIO) -> bool:
        return self.color == "always" or (self.color == "auto" and stream.isatty())

    def _draw(self, stream: TextIO, parts: Iterable[tuple[str, str]]) -> None:
        from sentiric_llama.host.drawing import draw_line

        cleaned = [(printable(text), style) for text, style in parts]
        draw_line(stream, self._is_rich(stream), cleaned)


def error_as_json(error: SentiricLlamaError) -> dict[str, str]:
    """What programs read of an error."""
    return {"code": str(error.code), "where": error.where, "message": error.what}


def put(text: str, stream: TextIO | None, *, is_exact: bool = False) -> None:
    """The one place where text goes to a standard stream."""
    if stream is not None:
        stream.write(text if is_exact else printable(text))
        stream.flush()


def tell(text: str) -> None:
    """Lines on standard error."""
    put(f"{text}\n", sys.stderr)


def is_watched() -> bool:
    """True when a person reads standard error."""
    return sys.stderr is not None and sys.stderr.isatty()


def forget_output() -> None:
    """Its reader left: the interpreter would flush into it once more and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_logs_of_libraries() -> None:
    """Warnings of libraries in a run without a log: Python would print them as they are."""
    logging.lastResort = _LastResort(logging.WARNING)


class _LastResort(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tell(record.getMessage())
