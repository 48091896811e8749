# SPDX-License-Identifier: AGPL-3.0-only
"""Ends an engine process that stands still, which is not one that computes a long step."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sentiric_llama.engine import messages as m
from sentiric_llama.engine.process.client import EngineClient, ProcessDied
from sentiric_llama.engine.process.death import Stall
from sentiric_llama.engine.process.flight_page import FlightPage, Place, Work

WATCH_S = 0.5
QUIET_S = 0.75
"""How long a process may send nothing, while somebody waits, before it is asked."""
SILENT_S = 10.0
"""How long a process may take no command, unless it is known to be suspended."""
SLOWEST_STEPS = 20
"""A step may take so many times the mean of all steps, where the backend shows no sign of life."""


@dataclass(slots=True)
class StallWatch:
    """Compares samples of the flight page.

    A thread that is at work must move: enter another place, or, in a step, let the count of beats
    grow, which the CPU backend does many times in a step. Loading a model has no limit.
    """

    limit_s: float
    _seen: dict[int, tuple[Work, int, float]] = field(default_factory=dict)

    def sample(self, page: FlightPage, now: float | None = None) -> Stall | None:
        """The work that has stood still for too long; None if all is well."""
        now = time.monotonic() if now is None else now
        stepper = page.stepper()
        works = list(page.works())
        num_others = sum(work != stepper for work in works)
        allowed = max(self.limit_s, SLOWEST_STEPS * page.stats().step_ms_mean / 1e3)
        seen: dict[int, tuple[Work, int, float]] = {}
        worst: Stall | None = None
        for work in works:
            beats = page.beats if work == stepper else 0
            before = self._seen.get(work.thread)
            is_same = before is not None and before[:2] == (work, beats)
            since = before[2] if before is not None and is_same else now
            seen[work.thread] = (work, beats, since)
            # Threads without beats may share one processor, so that each takes so much longer.
            share = 1 if work == stepper else num_others
            if work.place is not Place.LOAD and now - since > allowed * share:
                worst = worst or Stall(now - since, work)
        self._seen = seen
        return worst


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
                await asyncio.wait((answering,), timeout=0.25)
                waited = time.monotonic() - asked
                is_suspended = client.is_suspended
                # This process may have been suspended, and its answer lie unread till now.
                is_silent = not answering.done() and client.last_heard == last_heard
                if is_silent and (is_suspended or waited > SILENT_S):
                    silent_s = asyncio.get_running_loop().time() - last_heard
                    return Stall(silent_s, None, is_suspended)
        finally:
            answering.cancel()
        answering.result()
    return None
