# SPDX-License-Identifier: AGPL-3.0-only
"""Downloads on standard error: bars on a terminal, a line each ten percent, JSON events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say
from sentiric_llama.models.download.progress import TEMPLATES, Progress, Report, Steps, values_of

if TYPE_CHECKING:
    from sentiric_llama.host.drawing import Bars


@contextmanager
def shown(terminal: Terminal) -> Iterator[Report]:
    """Shows what the model store reports, in the way this run speaks."""
    if terminal.as_json:
        yield Steps(lambda news: terminal.note_json(news.as_json()), 1)
    elif terminal.quiet or not terminal.draws_notes:
        yield Steps(lambda news: terminal.note(_sentence(news)), 10)
    else:
        with terminal.bars() as bars:
            yield _BarReport(bars)


class _BarReport:
    """One bar for each file."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    def __call__(self, news: Progress) -> None:
        self._bars.move(news.name, news.done, news.total)
        if news.kind not in ("start", "progress", "done"):
            self._bars.tell(_sentence(news))


def _sentence(news: Progress) -> str:
    return say(TEMPLATES[news.kind], **values_of(news))
