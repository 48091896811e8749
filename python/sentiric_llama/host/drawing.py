# SPDX-License-Identifier: AGPL-3.0-only
"""Tables, bars and colours, drawn by Rich for `terminal`, which hands over cleaned texts."""

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
    """The first row is the header. Where the columns have no room, each row becomes a list."""
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
    """Columns of the terminal that are needed so that no word is broken."""
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
    """Texts with the names of their styles, behind each other; the first one's is the line's."""
    (first, style), *others = parts
    line = Text(first, style=style).append_text(Text.assemble(*others))
    _console(stream, is_rich).print(line, soft_wrap=True)


class LiveTable:
    """Two columns that are drawn anew in their place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, rows: Iterable[tuple[str, str]]) -> None:
        table = Table(box=None, show_header=False, pad_edge=False)
        for name, value in rows:
            table.add_row(Text(printable_line(name), style="dim"), Text(printable_line(value)))
        self._live.update(table, refresh=True)


@contextmanager
def live_table(stream: TextIO, is_rich: bool) -> Iterator[LiveTable]:
    """A table that stays as it was last when the block is left."""
    with Live(console=_console(stream, is_rich), auto_refresh=False) as live:
        yield LiveTable(live)


class Bars:
    """One bar for each name, and lines above them."""

    def __init__(self, shown: progress.Progress) -> None:
        self._shown = shown
        self._tasks: dict[str, progress.TaskID] = {}

    def move(self, name: str, done: int, total: int) -> None:
        """`total` is 0 while nobody knows it."""
        if name not in self._tasks:
            self._tasks[name] = self._shown.add_task(printable_line(name), total=total or None)
        self._shown.update(self._tasks[name], completed=done, total=total or None)

    def tell(self, text: str) -> None:
        self._shown.console.print(Text(printable_line(text)))


@contextmanager
def bars(stream: TextIO, is_rich: bool) -> Iterator[Bars]:
    """Bars that are drawn until the block is left."""
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
    """Honours NO_COLOR. No markup: a name with [link=...] is a name."""
    return Console(file=stream, highlight=False, markup=False, emoji=False, force_terminal=is_rich)
