# SPDX-License-Identifier: AGPL-3.0-only
"""What runs beside the protocols as long as the process lives: the pulse, systemd, GPUs, spans."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.environment import systemd_socket, traces_wanted
from sentiric_llama.log.events import event
from sentiric_llama.server.systemd import Notifier
from sentiric_llama.service.service import LlamaService
from sentiric_llama.telemetry import tracing
from sentiric_llama.telemetry.watchdog import BEAT_S

DEVICES_S = 5.0
SPANS_S = 5.0
"""Time that spans get to leave at the end."""

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def background_tasks(service: LlamaService) -> AsyncIterator[None]:
    """Starts all of them; ends them when the block is left."""
    address, watchdog_s = systemd_socket()
    notifier = Notifier(service, address)
    service.on_state_change.append(notifier.on_state)
    if 0 < watchdog_s < 3 * BEAT_S:
        text = f"WatchdogSec={watchdog_s:g} is too short, a sign is sent each {BEAT_S:g} s"
        event(logger, "SERVICE_CONFIGURED", text, logging.WARNING)
    async with spans(service):
        tasks = [asyncio.create_task(work) for work in (beat(service, notifier), watch(service))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def beat(service: LlamaService, notifier: Notifier) -> None:
    """Once a second, for ever; how late it comes says how long the event loop was blocked."""
    while True:
        with contextlib.suppress(SentiricLlamaError):  # it is being closed
            service.beat()
        notifier.on_beat()
        due = time.monotonic() + BEAT_S
        await asyncio.sleep(BEAT_S)
        service.request_metrics.loop_lag_s = time.monotonic() - due


async def watch(service: LlamaService) -> None:
    """Looks at the GPUs' memory, on a thread: drivers may be slow. Ends when none answers.

    Asks the engine of the model that answers at that moment; between two models nobody knows.
    """
    while True:
        engine = service.attached_engine
        if engine is None:
            service.devices = ()
        elif not await look(service, engine):
            return
        await asyncio.sleep(BEAT_S if engine is None else DEVICES_S)


async def look(service: LlamaService, engine: AsyncEngineProtocol) -> bool:
    """Notes what there is to compute on; False when there is no GPU to look at again.

    A driver that fails has nothing to say, which is told.
    """
    try:
        found = await asyncio.to_thread(engine.devices)
    except SentiricLlamaError as error:
        if engine is not service.attached_engine:  # closed meanwhile: the next one is asked
            return True
        found = []
        event(logger, "DEVICES_UNKNOWN", str(error), logging.WARNING)
    service.devices = tuple(found)
    return any(device.is_gpu for device in found)


@contextlib.asynccontextmanager
async def spans(service: LlamaService) -> AsyncIterator[None]:
    """Records spans when OpenTelemetry's variables ask for them."""
    if not traces_wanted():
        yield
        return
    if not tracing.is_installed():
        event(logger, "SERVICE_CONFIGURED", tracing.MISSING, logging.WARNING)
        yield
        return
    traces = tracing.Tracing(tracing.otlp_provider())
    service.request_metrics.on_end.append(traces.record)
    try:
        yield
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SPANS_S):
                await asyncio.to_thread(traces.close)
