# SPDX-License-Identifier: AGPL-3.0-only
"""The events of a download; commands decide how to show them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

logger = logging.getLogger(__name__)

Kind = Literal["start", "progress", "retry", "waiting", "checking", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One event about one file. Sizes are in bytes; `total` is 0 while it is unknown.

    `start` and `done` come once for each transfer, resumed or not; `retry` has its reason in
    `note`; `waiting`: another process downloads the file; `checking`: a cached file is verified.
    """

    kind: Kind
    name: str
    done: int = 0
    total: int = 0
    note: str = ""

    @property
    def percent(self) -> int:
        return self.done * 100 // self.total if self.total else 0

    def as_json(self) -> dict[str, Any]:
        return {"event": self.kind} | {k: v for k, v in asdict(self).items() if k != "kind"}


def from_json(event: Mapping[str, Any]) -> Progress:
    """The event that `as_json` made."""
    kind: Kind = event["event"]
    return Progress(kind, **{name: event[name] for name in ("name", "done", "total", "note")})


Report = Callable[[Progress], None]


class Steps:
    """Passes on every event, but progress only each `percent`."""

    def __init__(self, report: Report, percent: int) -> None:
        self._report = report
        self._percent = percent
        self._last: dict[str, int] = {}

    def __call__(self, news: Progress) -> None:
        step = news.percent // self._percent
        if news.kind == "progress":
            if step <= self._last.get(news.name, 0):
                return
            self._last[news.name] = step
        elif news.kind == "start":
            self._last[news.name] = step
        self._report(news)


def to_log() -> Report:
    """For a server: a line at the start, each ten percent and at the end."""
    return Steps(_log, 10)


TEMPLATES = {
    "start": "downloading {name}, {total} MiB, from {done} MiB on",
    "progress": "{name}: {percent} % ({done} of {total} MiB)",
    "retry": "{name}: {note}; trying again at {done} of {total} MiB",
    "waiting": "{name}: waiting for another process that is downloading it",
    "checking": "{name}: verifying the checksum",
    "done": "{name}: complete, {note}",
}
"""The line for each kind of event."""


def values_of(news: Progress) -> dict[str, str]:
    """The values of the templates' fields."""
    return {
        "name": news.name,
        "done": f"{news.done / 2**20:.1f}",
        "total": f"{news.total / 2**20:.1f}",
        "percent": str(news.percent),
        "note": news.note,
    }


def _log(news: Progress) -> None:
    text = TEMPLATES[news.kind].format(**values_of(news))
    logger.info("%s", text, extra={"event": "MODEL_DOWNLOAD"})
