# SPDX-License-Identifier: AGPL-3.0-only
"""Where a verb speaks: answers on standard output, everything else on standard error.

Rich draws tables and colours on a terminal; a pipe gets plain text, and `--json` one JSON value.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from sentiric_llama.errors import SentiricLlamaError

if TYPE_CHECKING:
    from rich.console import Console

COLORS = ("auto", "always", "never")


@dataclass(frozen=True, slots=True)
class Terminal:
    """One run's way of speaking. Standard output and error are looked up at each call."""

    program: str = "sentiric-llama"
    as_json: bool = False
    quiet: bool = False
    color: str = "auto"

    def answer(self, text: str) -> None:
        """A line, or several, of what was asked for."""
        print(text, flush=True)

    def answer_json(self, value: Any) -> None:
        """The whole answer as one JSON value."""
        print(json.dumps(value, ensure_ascii=False, indent=2, default=str), flush=True)

    def answer_table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A drawn table on a terminal, tab-separated lines with a header in a pipe."""
        if not self.is_rich(sys.stdout):
            for row in (header, *rows):
                self.answer("\t".join(cell.replace("\t", " ") for cell in row))
            return
        from rich.table import Table
        from rich.text import Text

        table = Table(*header, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.console(sys.stdout).print(table)

    def note(self, text: str) -> None:
        """Something a person should know; nothing with `--quiet`."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def fail(self, error: SentiricLlamaError) -> int:
        """Tells the error and returns the exit code that stands for it."""
        if self.as_json:
            body = {"code": str(error.code), "where": error.where, "message": error.what}
            print(json.dumps({"error": body}, ensure_ascii=False), file=sys.stderr, flush=True)
        else:
            print(f"{self.program}: {error}", file=sys.stderr, flush=True)
        return error.mapping.exit_code

    def is_rich(self, stream: TextIO) -> bool:
        """True when colours and tables may be drawn on this stream."""
        return self.color == "always" or (self.color == "auto" and stream.isatty())

    def console(self, stream: TextIO) -> Console:
        """Rich's console on this stream, honouring NO_COLOR and the choice of `--color`."""
        from rich.console import Console

        return Console(file=stream, highlight=False, force_terminal=self.is_rich(stream))
