# SPDX-License-Identifier: AGPL-3.0-only
"""Draws tables, bars and colours with Rich. `terminal` passes only cleaned texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich import progress
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sentiric_llama.host.printable import printable_line


def draw_table(stream: TextIO, is_rich: bool, rows: Sequence[Sequence[str]]) -> None:
    """Draws a table whose first row is the header; if it is too wide, draws each row as a list."""
    console = _console(stream, is_rich)
    header, *others = rows
    if len(header) > 2 and _least_width(rows) > console.width:
        for number, row in enumerate(others):
            console.print(
                *([""] if number else []), _pairs(zip(header, row, strict=True)), sep="\n"
            )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(Text(name), overflow="fold")
    for row in others:
        table.add_row(*map(Text, row))
    console.print(table)


def _least_width(rows: Sequence[Sequence[str]]) -> int:
    """The width in terminal columns at which no word is broken."""
    columns = zip(*rows, strict=True)
    words = (
        [Text(word).cell_len for cell in column for word in cell.split()] for column in columns
    )
    return sum(max(lengths, default=0) + 2 for lengths in words) - 2


def _pairs(pairs: Iterable[tuple[str, str]]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in pairs:
        table.add_row(Text(name, style="bold"), Text(value))
    return table


def draw_line(stream: TextIO, is_rich: bool, parts: Iterable[tuple[str, str]]) -> None:
    """Draws texts with style names on one line; the style of the first applies to the line."""
    (first, style), *others = parts
    line = Text(first, style=style).append_text(Text.assemble(*others))
    _console(stream, is_rich).print(line, soft_wrap=True)


class LiveTable:
    """Two columns that are redrawn in place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, rows: Iterable[tuple[str, str]]) -> None:
        table = Table(box=None, show_header=False, pad_edge=False)
        for name, value in rows:
            table.add_row(Text(printable_line(name), style="dim"), Text(printable_line(value)))
        self._live.update(table, refresh=True)


@contextmanager
def live_table(stream: TextIO, is_rich: bool) -> Iterator[LiveTable]:
    """A live table, whose last state stays visible after the block."""
    with Live(console=_console(stream, is_rich), auto_refresh=False) as live:
        yield LiveTable(live)


class Bars:
    """One progress bar per name, and lines above the bars."""

    def __init__(self, shown: progress.Progress) -> None:
        self._shown = shown
        self._tasks: dict[str, progress.TaskID] = {}

    def move(self, name: str, done: int, total: int) -> None:
        """Updates a bar. `total` is 0 while unknown."""
        if name not in self._tasks:
            self._tasks[name] = self._shown.add_task(printable_line(name), total=total or None)
        self._shown.update(self._tasks[name], completed=done, total=total or None)

    def tell(self, text: str) -> None:
        self._shown.console.print(Text(printable_line(text)))


@contextmanager
def bars(stream: TextIO, is_rich: bool) -> Iterator[Bars]:
    """Progress bars, drawn until the block ends."""
    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(binary_units=True),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=_console(stream, is_rich)) as shown:
        yield Bars(shown)


def _console(stream: TextIO, is_rich: bool) -> Console:
    """A console that honours NO_COLOR and prints markup such as [link=...] as text."""
    return Console(file=stream, highlight=False, markup=False, emoji=False, force_terminal=is_rich)
