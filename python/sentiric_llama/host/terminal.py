# SPDX-License-Identifier: AGPL-3.0-only
"""The output of commands: answers on standard output, everything else on standard error.

Rich draws tables and colours on a terminal; a pipe gets plain text, and `--json` one JSON value.
Every text passes `printable`, as names, errors and answers come from files, callers and servers and
must not steer a terminal. No other module of this package writes to the standard streams.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TextIO

from sentiric_llama.errors import ERROR_TABLE, ErrorCode, SentiricLlamaError, Unavailable
from sentiric_llama.host.environment import environ
from sentiric_llama.host.printable import json_text, printable, printable_line

if TYPE_CHECKING:
    from sentiric_llama.host.drawing import Bars, LiveTable

COLORS = ("auto", "always", "never")
DIM = "dim"


class OutputFailed(Unavailable):
    """Standard output cannot be written: its disk is full, or it is not open for writing."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Writes the output of one command. Looks the standard streams up at each call."""

    program: str = "sentiric-llama"
    as_json: bool = False
    quiet: bool = False
    color: str = "auto"
    told_of: Callable[[SentiricLlamaError], str] = attrgetter("what")
    """What people read of an error, in their language."""

    def answer(self, text: str) -> None:
        """Writes one or more lines of the answer."""
        put(f"{text}\n", sys.stdout)

    def answer_line(self, text: str) -> None:
        """Writes one line of the answer, whatever names of others are in it."""
        self.answer(printable_line(text))

    def answer_json(self, value: Any) -> None:
        """Writes the whole answer as one JSON value."""
        put(_json_for(sys.stdout, value, indent=2, default=str) + "\n", sys.stdout)

    def answer_json_line(self, value: Any) -> None:
        """Writes one of several JSON values, each on its own line."""
        put(_json_for(sys.stdout, value) + "\n", sys.stdout)

    def answer_table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Writes a table: drawn on a terminal, as tab-separated lines with a header in a pipe."""
        cleaned = [[printable_line(cell) for cell in row] for row in (header, *rows)]
        if sys.stdout is None or not self.draws_answers:
            for row in cleaned:
                self.answer("\t".join(row))
            return
        from sentiric_llama.host.drawing import draw_table

        with writing_to(sys.stdout):
            draw_table(sys.stdout, self.draws_answers, cleaned)

    def answer_styled(self, parts: Iterable[tuple[str, str]]) -> None:
        """Writes a line of texts with style names."""
        self._draw(sys.stdout, parts)

    def pass_on(self, text: str) -> None:
        """Writes a model's text: unchanged in a pipe, without control characters on a terminal."""
        put(text, sys.stdout, is_exact=not _is_terminal(sys.stdout))

    def show(self, text: str) -> None:
        """Writes a piece of a conversation."""
        put(text, sys.stdout)

    def note(self, text: str) -> None:
        """A line that a person should know; nothing with `--quiet`."""
        if not self.quiet:
            print_stderr(printable_line(text))

    def note_dim(self, text: str) -> None:
        """A line beside a conversation."""
        self._draw(sys.stderr, [(text, DIM)])

    def show_aside(self, text: str) -> None:
        """Writes a piece of a text beside the answer on standard error, if a person reads it."""
        if is_watched():
            dim = ("\x1b[2m", "\x1b[0m") if self.draws_notes else ("", "")
            put(dim[0] + printable(text) + dim[1], sys.stderr, is_exact=True)

    def note_json(self, value: Any) -> None:
        """One JSON value on a line of standard error."""
        print_stderr(_json_for(sys.stderr, value))

    def fail(self, error: SentiricLlamaError) -> int:
        """Tells the error and returns the exit code that stands for it."""
        if self.as_json:
            self.note_json({"error": error_as_json(error)})
        else:
            where = f"[{error.where}] " if error.where else ""
            print_stderr(printable_line(f"{self.program}: {where}{self.told_of(error)}"))
        return error.mapping.exit_code

    def crash(self, error: BaseException) -> int:
        """A defect: its frames, and the exit code of one. Its text may be another's."""
        print_stderr("".join(traceback.format_exception(error)).rstrip("\n"))
        return ERROR_TABLE[ErrorCode.INTERNAL].exit_code

    def read_line(self, prompt: str) -> str:
        """Reads a line that a person types."""
        return input(printable(prompt))

    @property
    def draws_answers(self) -> bool:
        """True if colours and tables may be drawn on standard output."""
        return self._is_rich(sys.stdout)

    @property
    def draws_notes(self) -> bool:
        """True if colours and tables may be drawn on standard error."""
        return self._is_rich(sys.stderr)

    def live_table(self) -> AbstractContextManager[LiveTable]:
        """A table on standard output that is redrawn in place."""
        from sentiric_llama.host.drawing import live_table

        return live_table(sys.stdout, self.draws_answers)

    def bars(self) -> AbstractContextManager[Bars]:
        """Progress bars of downloads on standard error."""
        from sentiric_llama.host.drawing import bars

        return bars(sys.stderr, self.draws_notes)

    @property
    def can_redraw(self) -> bool:
        """True if lines on standard output can be redrawn in place."""
        return self.draws_answers and _is_terminal(sys.stdout) and not is_dumb()

    def _is_rich(self, stream: TextIO | None) -> bool:
        if stream is None or self.color == "never":
            return False
        is_able = _is_terminal(stream) and not is_dumb() and _has_all_characters(stream)
        return self.color == "always" or is_able

    def _draw(self, stream: TextIO | None, parts: Iterable[tuple[str, str]]) -> None:
        if stream is None:
            return
        from sentiric_llama.host.drawing import draw_line

        cleaned = [(printable(text), style) for text, style in parts]
        with writing_to(stream):
            draw_line(stream, self._is_rich(stream), cleaned)


def error_as_json(error: SentiricLlamaError) -> dict[str, str]:
    """An error for programs."""
    return {"code": str(error.code), "where": error.where, "message": error.what}


def put(text: str, stream: TextIO | None, *, is_exact: bool = False) -> None:
    """Writes text to a standard stream, as the only function that does. Ignores closed ones."""
    if stream is not None:
        with writing_to(stream):
            stream.write(text if is_exact else printable(text))
            stream.flush()


@contextmanager
def writing_to(stream: TextIO | None) -> Iterator[None]:
    """Turns an OSError of standard output into OutputFailed and ignores one of standard error.

    Passes BrokenPipeError on.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _forget(stream)
        if stream is not sys.stderr:
            text = f"cannot write: {error.strerror}"
            raise OutputFailed(text, where="standard output") from None


def use_any_encoding() -> None:
    """Makes the streams escape characters they cannot encode, as \\u011f, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def is_dumb() -> bool:
    """True for terminals without colours and cursor movement."""
    return environ().get("TERM") == "dumb"


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _has_all_characters(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def _json_for(stream: TextIO | None, value: Any, **options: Any) -> str:
    """JSON that the stream's encoding can represent."""
    if stream is None or _has_all_characters(stream):
        return json_text(value, **options)
    return json.dumps(value, **options)


def print_stderr(text: str) -> None:
    """Lines on standard error."""
    put(f"{text}\n", sys.stderr)


def is_watched() -> bool:
    """True if standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def forget_output() -> None:
    """Stops writing to standard output because its reader is gone."""
    _forget(sys.stdout)


def _forget(stream: TextIO | None) -> None:
    """Redirects a stream to nowhere, so that the interpreter's last flush does not fail."""
    if stream is not None:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def show_logs_of_libraries() -> None:
    """Prints warnings of libraries through this module in runs without a log."""
    logging.lastResort = _LastResort(logging.WARNING)


class _LastResort(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print_stderr(record.getMessage())
