# SPDX-License-Identifier: AGPL-3.0-only
"""Shuts the service down, from the signal to the last answer; see docs/operation.md."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Coroutine
from typing import Any

from sentiric_llama.log.events import event
from sentiric_llama.service.service import LlamaService

logger = logging.getLogger(__name__)


_LAST_WORDS_S = 2


async def drain(service: LlamaService, stop: StopSignals) -> None:
    """Tells load balancers, refuses new work, lets running calls finish, ends the rest.

    The time limits or a second signal cut it short.
    """
    if stop.is_terminate and service.is_ready and service.settings.drain_settle_s:
        service.announce_drain()
        seconds = service.settings.drain_settle_s
        event(logger, "SERVICE_STOPPING", "no longer ready", settle_s=seconds)
        await first_of(stop.second.wait(), asyncio.sleep(seconds))
    service.begin_drain()
    text = "new work is refused"
    if service.in_flight:
        seconds = service.settings.drain_timeout_s
        text += f"; running requests have {seconds:g} s, a second signal ends them at once"
    event(logger, "SERVICE_DRAINING", text, in_flight=service.in_flight)
    await first_of(stop.second.wait(), service.wait_idle(service.settings.drain_timeout_s))
    if service.in_flight:
        event(logger, "SERVICE_DRAINING", "cutting off", in_flight=service.in_flight)
    await service.close()
    await service.wait_idle(_LAST_WORDS_S)  # sends the error to the callers that were cut off


async def first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Waits for the first to end and cancels the others."""
    tasks = [asyncio.create_task(work) for work in works]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


class StopSignals:
    """SIGTERM and SIGINT as two events: stop gracefully, then stop now."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self.is_terminate = False
        """The first signal was SIGTERM, so an orchestrator stops us, not a person."""
        self._loop = asyncio.get_running_loop()
        self._signals = (signal.SIGTERM, signal.SIGINT)
        if threading.current_thread() is threading.main_thread():
            for number in self._signals:
                self._loop.add_signal_handler(number, self.trigger, number)

    def trigger(self, number: signal.Signals) -> None:
        if not self.first.is_set():
            self.is_terminate = number is signal.SIGTERM
        (self.second if self.first.is_set() else self.first).set()

    def close(self) -> None:
        for number in self._signals:
            self._loop.remove_signal_handler(number)
