# SPDX-License-Identifier: AGPL-3.0-only
"""Background tasks of the server: watchdog, systemd, keys, GPU memory, OpenTelemetry."""

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
"""Time to send the last spans at shutdown."""

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def background_tasks(service: LlamaService) -> AsyncIterator[None]:
    """Runs all background tasks until the block ends."""
    address, watchdog_s = systemd_socket()
    notifier = Notifier(service, address)
    service.on_state_change.append(notifier.on_state)
    if 0 < watchdog_s < 3 * BEAT_S:
        text = f"WatchdogSec={watchdog_s:g} is too short: it must be at least {3 * BEAT_S:g}"
        event(logger, "SERVICE_CONFIGURED", text, logging.WARNING)
    async with spans(service):
        works = (beat(service, notifier), watch(service), service.watch_keys())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def beat(service: LlamaService, notifier: Notifier) -> None:
    """Samples the engine once a second. Its delay shows how long the event loop was blocked."""
    while True:
        with contextlib.suppress(SentiricLlamaError):  # the engine is being closed
            service.beat()
        notifier.on_beat()
        due = time.monotonic() + BEAT_S
        await asyncio.sleep(BEAT_S)
        service.request_metrics.loop_lag_s = time.monotonic() - due


async def watch(service: LlamaService) -> None:
    """Polls the memory of the GPUs on a thread, as drivers may be slow. Ends if there is no GPU.

    Asks the engine of the current model; between two models the memory is unknown.
    """
    while True:
        engine = service.attached_engine
        if engine is None:
            service.devices = ()
        elif not await update_devices(service, engine):
            return
        await asyncio.sleep(BEAT_S if engine is None else DEVICES_S)


async def update_devices(service: LlamaService, engine: AsyncEngineProtocol) -> bool:
    """Updates the service's devices. False if no GPU reports its memory.

    Logs a warning if a driver fails.
    """
    try:
        found = await asyncio.to_thread(engine.devices)
    except SentiricLlamaError as error:
        if engine is not service.attached_engine:  # closed meanwhile: ask the next one
            return True
        found = []
        event(logger, "DEVICES_UNKNOWN", str(error), logging.WARNING)
    service.devices = tuple(found)
    return any(device.reports_gpu_memory for device in found)


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
