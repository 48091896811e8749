# SPDX-License-Identifier: AGPL-3.0-only
"""Ends an engine process that stands still."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

from sentiric_llama.engine import messages as m
from sentiric_llama.engine.process.client import EngineClient, ProcessDied
from sentiric_llama.engine.process.death import Stall
from sentiric_llama.engine.process.stall_watch import StallWatch

WATCH_S = 0.5
QUIET_S = 1.0
"""How long a process may send nothing, while somebody waits, before it is asked."""
SILENT_S = 10.0
"""How long a process may take no command, unless it is known to be suspended."""


@contextlib.contextmanager
def watched(
    client: EngineClient,
    stall_s: float,
    is_awaited: Callable[[], bool] = lambda: True,
    each: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Kills the process if it stands still until the block ends.

    `stall_s`: how long its work may stand still; 0 for ever. `is_awaited`: whether somebody waits
    for it. `each` is called at every look.
    """
    watching = asyncio.create_task(_watch(client, stall_s, is_awaited, each))
    try:
        yield
    finally:
        watching.cancel()


async def _watch(
    client: EngineClient, stall_s: float, is_awaited: Callable[[], bool], each: Callable[[], None]
) -> None:
    watch = StallWatch(stall_s)
    while True:
        await asyncio.sleep(WATCH_S)
        each()
        if stall_s <= 0:
            continue
        stall = watch.sample(client.page)
        if stall is None and is_awaited():
            stall = await _silence(client)
        if stall is not None:
            client.kill(stall)
            return


async def _silence(client: EngineClient) -> Stall | None:
    """Whether the process takes no commands; asks it if it has sent nothing for a while."""
    asked, last_heard = time.monotonic(), client.last_heard
    if asyncio.get_running_loop().time() - last_heard < QUIET_S:
        return None
    with contextlib.suppress(ProcessDied):
        answering = asyncio.ensure_future(client.ask(m.Ping))
        try:
            while not answering.done():
                await asyncio.wait((answering,), timeout=1.0)
                waited = time.monotonic() - asked
                is_suspended = client.is_suspended
                # This process may have been suspended, and its answer lie unread till now.
                is_silent = not answering.done() and client.last_heard == last_heard
                if is_silent and (is_suspended or waited > SILENT_S):
                    return Stall(waited, None, is_suspended)
        finally:
            answering.cancel()
        answering.result()
    return None
