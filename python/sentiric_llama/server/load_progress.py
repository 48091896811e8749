# SPDX-License-Identifier: AGPL-3.0-only
"""Shows on a terminal how much of a large model has been loaded.

The engine does not report it, so the resident memory of the process, which includes mapped pages,
serves as the measure.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
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


@contextlib.asynccontextmanager
async def load_progress(path: Path) -> AsyncIterator[None]:
    """Writes a line to standard error for each tenth of the file until the block ends."""
    total = size_of(path)
    if total < LARGE_BYTES or not is_watched():
        yield
        return
    telling = asyncio.create_task(_tell_steps(path.name, total))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait((telling,))


def size_of(path: Path) -> int:
    """The size of all parts of the model; 0 if unknown."""
    parts = (path.with_name(name) for name in shard_names(path.name))
    with contextlib.suppress(OSError):
        return sum(part.stat().st_size for part in parts)
    return 0


async def _tell_steps(name: str, total: int) -> None:
    before, told = resident_bytes() or 0, 0
    while True:
        await asyncio.sleep(EVERY_S)
        percent = min(99, 100 * max(0, (resident_bytes() or 0) - before) // total)
        if percent >= told + STEP:
            told = percent // STEP * STEP
            print_stderr(f"loading {printable_line(name)}: {told} % of {human_bytes(total)}")
