# SPDX-License-Identifier: AGPL-3.0-only
"""From the configured model to a service that is ready."""

from __future__ import annotations

import asyncio
import gc
import logging

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.process import give_memory_back
from sentiric_llama.host.terminal import is_watched, print_stderr
from sentiric_llama.log.events import event
from sentiric_llama.log.setup import flush
from sentiric_llama.models import is_local
from sentiric_llama.server.banner import banner, summary
from sentiric_llama.server.load_progress import load_progress
from sentiric_llama.server.places import Places
from sentiric_llama.service.models.loader import Loader
from sentiric_llama.service.models.slot import LoadedModel
from sentiric_llama.service.service import LlamaService

logger = logging.getLogger(__name__)


async def load(service: LlamaService, loader: Loader, listening: asyncio.Future[Places]) -> None:
    """Opens the model, and makes the service ready once all servers are `listening`."""
    try:
        if not is_local(service.settings):
            # The hub's library is imported on a thread: not beside the modules of the servers.
            await asyncio.wait((listening,))
        loaded = await _open(service, loader, listening)
    except SentiricLlamaError as error:
        service.fail(error)
        raise
    try:
        places = await listening
    except BaseException:
        await loaded.engine.close()
        raise
    spare_the_collector()
    service.install(loaded)
    if not service.is_ready:  # a signal came while it was loading
        await service.close()
        return
    announce(loaded, places)


async def _open(
    service: LlamaService, loader: Loader, listening: asyncio.Future[Places]
) -> LoadedModel:
    settings = service.settings
    file = await loader.find(settings)
    is_reported = settings.isolation == "process"
    async with load_progress(file.path, is_reported=is_reported) as tell:
        return await loader.load(settings, file, tell, listening)


def start_the_collector() -> None:
    """Exempts what was imported from all collections, which begin now.

    Otherwise each full collection visits every module and stalls all streams: 50 to 80 ms on an
    AMD EPYC (Zen 3). Imports leave no garbage that would be worth the first one.
    """
    gc.freeze()
    gc.enable()


def spare_the_collector() -> None:
    """Collects what the load left, exempts the rest and returns freed memory."""
    gc.collect()
    gc.freeze()
    give_memory_back()


def announce(loaded: LoadedModel, places: Places) -> None:
    """Logs the last line of the start; on a terminal a short one, followed by the banner."""
    settings, served, info = loaded.settings, loaded.served, loaded.engine.info
    text = summary(settings, served, info, places.http)
    if is_watched():
        text = f"ready at {places.http}"
    event(logger, "ALL_SERVERS_READY", text, load_s=round(loaded.load_seconds or 0.0, 2))
    if is_watched():
        flush()
        print_stderr(banner(settings, served, info, places.http, places.grpc))
