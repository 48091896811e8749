# SPDX-License-Identifier: AGPL-3.0-only
"""Downloads on standard error: bars on a terminal, a line each ten percent, JSON events."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sentiric_llama.messages import say
from sentiric_llama.models.progress import TEMPLATES, Progress, Report, Steps, values_of
from sentiric_llama.terminal import Terminal

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


@contextmanager
def shown(terminal: Terminal) -> Iterator[Report]:
    """Shows what the model store reports, in the way this run speaks."""
    if terminal.as_json:
        yield Steps(_as_event, 1)
    elif terminal.quiet or not terminal.is_rich(sys.stderr):
        yield Steps(lambda news: terminal.note(_sentence(news)), 10)
    else:
        with _bars(terminal) as bars:
            yield _BarReport(bars)


class _BarReport:
    """One bar for each file."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, news: Progress) -> None:
        if news.name not in self._tasks:
            self._tasks[news.name] = self._bars.add_task(news.name, total=news.total or None)
        task = self._tasks[news.name]
        if news.kind in ("start", "progress", "done"):
            self._bars.update(task, completed=news.done, total=news.total or None)
        else:
            self._bars.console.print(_sentence(news))


def _bars(terminal: Terminal) -> Bars:
    from rich import progress

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(binary_units=True),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
        console=terminal.console(sys.stderr),
    )


def _sentence(news: Progress) -> str:
    return say(TEMPLATES[news.kind], **values_of(news))


def _as_event(news: Progress) -> None:
    print(json.dumps(news.as_json(), ensure_ascii=False), file=sys.stderr, flush=True)
