# SPDX-License-Identifier: AGPL-3.0-only
"""The progress and result of one model switch."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Literal

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.models.download.progress import Progress

Phase = Literal["fetching", "loading", "draining", "returning", "done", "failed"]
"""`draining`: memory holds only one model, so the old one finishes its calls first. `returning`:
the new model failed, so the old one is loaded again."""
Result = Literal["ok", "failed", "rolled_back", "lost"]
"""`failed` left the old model in place, `rolled_back` reloaded it, `lost` could not."""


class ModelSwitch:
    """Starts in the phase "fetching". Belongs to one event loop, except `report`."""

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
        self._download: Progress | None = None

    def report(self, download: Progress) -> None:
        """Records the progress of a download. Thread-safe."""
        self._download = download

    def move(self, phase: Phase) -> None:
        """Enters the next phase."""
        self.phase = phase
        self._moved.set()

    async def wait_for_phase(self, timeout_s: float) -> None:
        """Waits until the phase changes, or for `timeout_s`. For one reader."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._moved.wait()
        self._moved.clear()

    def end(self, result: Result, error: SentiricLlamaError | None = None) -> None:
        """Ends the switch and wakes everything that waits for it."""
        if error is not None:  # its frames would keep closed engines alive
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
        """The state without paths or messages that may hold one, for keys that cannot switch."""
        found = self.as_json()
        download = found["download"]
        if download is not None:
            found["download"] = download | {"name": "", "note": ""}
        return found | {"message": self.error.public if self.error else None}

    def as_json(self) -> dict[str, Any]:
        """The state, with the numbers of a download while there is one."""
        download = self._download if self.phase == "fetching" else None
        return {
            "profile": self.profile,
            "phase": self.phase,
            "elapsed_s": self.seconds,
            "download": download.as_json() if download else None,
            "result": self.result,
            "message": str(self.error) if self.error else None,
        }
