# SPDX-License-Identifier: AGPL-3.0-only
"""One change of the model, as those see it who ordered it or look on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Literal

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.models.download.progress import Progress

Phase = Literal["fetching", "loading", "draining", "returning", "done", "failed"]
"""`draining`: memory holds one model only, so the old one ends its calls first; `returning`: the
new one cannot be used, the old one is loaded again."""
Result = Literal["ok", "failed", "rolled_back", "lost"]
"""`failed` left the old model untouched, `rolled_back` brought it back, `lost` could not."""


class ModelSwitch:
    """Starts fetching. Works on one event loop, but for `report`."""

    def __init__(self, profile: str, who: str) -> None:
        self.profile = profile
        self.who = who
        self.phase: Phase = "fetching"
        self.result: Result | None = None
        self.error: SentiricLlamaError | None = None
        self.finished = asyncio.Event()
        self._moved = asyncio.Event()
        self._started = time.monotonic()
        self._ended: float | None = None
        self._news: Progress | None = None

    def report(self, news: Progress) -> None:
        """News of a download; from any thread."""
        self._news = news

    def move(self, phase: Phase) -> None:
        """The next phase begins."""
        self.phase = phase
        self._moved.set()

    async def wait_for_news(self, timeout_s: float) -> None:
        """Until the phase changes, at the latest after `timeout_s`. For one reader."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._moved.wait()
        self._moved.clear()

    def end(self, result: Result, error: SentiricLlamaError | None = None) -> None:
        """It is over; whoever waits goes on."""
        if error is not None:  # its frames would keep engines alive that are closed
            error.__traceback__ = error.__context__ = None
        self._ended = time.monotonic()
        self.result, self.error = result, error
        self.finished.set()
        self.move("failed" if error else "done")

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return round((self._ended or time.monotonic()) - self._started, 3)

    def as_public_json(self) -> dict[str, Any]:
        """The same without a path or a reason that holds one, for those who may not change it."""
        found = self.as_json()
        download = found["download"]
        if download is not None:
            found["download"] = download | {"name": "", "note": ""}
        return found | {"message": self.error.public if self.error else None}

    def as_json(self) -> dict[str, Any]:
        """Where it is; the download's numbers as long as there is one."""
        news = self._news if self.phase == "fetching" else None
        return {
            "profile": self.profile,
            "phase": self.phase,
            "elapsed_s": self.seconds,
            "download": news.as_json() if news else None,
            "result": self.result,
            "message": str(self.error) if self.error else None,
        }
