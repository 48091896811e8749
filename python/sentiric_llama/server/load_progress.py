# SPDX-License-Identifier: AGPL-3.0-only
"""Shows on a terminal how much of a large model has been loaded."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from sentiric_llama.host.printable import printable_line
from sentiric_llama.host.process import resident_bytes
from sentiric_llama.host.sizes import human_bytes
from sentiric_llama.host.terminal import is_watched, print_stderr
from sentiric_llama.models import shard_names

LARGE_BYTES = 512 * 2**20
"""Smaller models load too fast to need it."""
EVERY_S = 0.5
STEP = 10
Told = Callable[[float], None]


@contextlib.asynccontextmanager
async def load_progress(path: Path, *, is_reported: bool = False) -> AsyncIterator[Told]:
    """Writes a line to standard error for each tenth of the file until the block ends.

    Yields what takes the part that is loaded, 0..1. Unless the engine reports it, the resident
    memory of this process, which includes mapped pages, serves as the measure.
    """
    total = size_of(path)
    if total < LARGE_BYTES or not is_watched():
        yield lambda _part: None
        return
    tell = _Steps(path.name, total)
    if is_reported:
        yield tell
        return
    measuring = asyncio.create_task(_measure(tell, total))
    try:
        yield tell
    finally:
        measuring.cancel()
        await asyncio.wait((measuring,))


def size_of(path: Path) -> int:
    """The size of all parts of the model; 0 if unknown."""
    parts = (path.with_name(name) for name in shard_names(path.name))
    with contextlib.suppress(OSError):
        return sum(part.stat().st_size for part in parts)
    return 0


class _Steps:
    """Writes each tenth once."""

    def __init__(self, name: str, total: int) -> None:
        self._text = f"loading {printable_line(name)}: %d %% of {human_bytes(total)}"
        self._told = 0

    def __call__(self, part: float) -> None:
        percent = max(0, min(99, int(100 * part)))
        if percent >= self._told + STEP:
            self._told = percent // STEP * STEP
            print_stderr(self._text % self._told)


async def _measure(tell: Told, total: int) -> None:
    before = resident_bytes() or 0
    while True:
        await asyncio.sleep(EVERY_S)
        tell(((resident_bytes() or 0) - before) / total)
