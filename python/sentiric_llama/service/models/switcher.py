# SPDX-License-Identifier: AGPL-3.0-only
"""Switches the model of a running service.

The new model is fetched, opened beside the old one and tried with one token. Only then does it get
new calls, while the old one finishes its own. If memory holds only one of them, the old model is
closed first, and reopened if the new one fails. Settings change with the model, never before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from sentiric_llama.errors import (
    InternalError,
    OutOfMemory,
    Overloaded,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.log.events import event
from sentiric_llama.models import ModelFile
from sentiric_llama.models.download.progress import Progress, Report, to_log
from sentiric_llama.service.models.loader import Loader
from sentiric_llama.service.models.slot import LoadedModel
from sentiric_llama.service.models.switch import ModelSwitch, Result
from sentiric_llama.service.readiness import NotReady, Readiness
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.profiles import Profiles, with_changes

logger = logging.getLogger(__name__)


class Switcher:
    """Runs one switch at a time. Belongs to the service's event loop."""

    def __init__(
        self, service: LlamaService, loader: Loader | None = None, profiles: Profiles | None = None
    ) -> None:
        self.profiles = profiles or Profiles()
        self._service = service
        self._loader = loader or Loader()
        self._task: asyncio.Task[None] | None = None

    def to_profile(self, name: str, who: str) -> ModelSwitch:
        """Starts a switch to the model and settings of a profile; `who` is for the log.

        Raises InvalidArgument, NotReady, or Overloaded while another switch is running.
        """
        self._refuse_now()
        return self._order(self.profiles.settings(name), who)

    def to_hardware(self, changes: Mapping[str, object], who: str) -> ModelSwitch:
        """Starts a switch to the same model with other engine settings. Raises as `to_profile`."""
        self._refuse_now()
        return self._order(with_changes(self._service.settings, changes), who)

    async def stop(self) -> None:
        """Ends a running switch because the service is shutting down."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def _refuse_now(self) -> None:
        running = self._service.switch
        if running is not None and not running.finished.is_set():
            what = f"another change is under way, to {running.profile or 'other hardware settings'}"
            raise Overloaded(what, where="switch")
        if self._service.state in (Readiness.LOADING, Readiness.DRAINING):
            raise NotReady(f"The model cannot be changed while {self._service.state}")

    def _order(self, settings: Settings, who: str) -> ModelSwitch:
        switch = self._service.switch = ModelSwitch(settings.profile, who)
        self._task = asyncio.create_task(self._run(switch, settings))
        return switch

    async def _run(self, switch: ModelSwitch, settings: Settings) -> None:
        before = self._service.attached
        names: dict[str, Any] = {"profile": switch.profile, "who": switch.who}
        was = before.settings.profile if before else ""
        event(logger, "MODEL_SWITCH_START", "changing the model", before=was, **names)
        try:
            loaded = await self._load(switch, settings)
            self._service.install(loaded)
        except SentiricLlamaError as error:
            self._end(switch, error)
        except asyncio.CancelledError:
            self._end(switch, Unavailable("the server is shutting down", where="switch"))
            raise
        except Exception as error:
            logger.error("unexpected", exc_info=error, extra={"event": "MODEL_SWITCH_FAILED"})
            self._end(switch, InternalError("unexpected error", where="switch"))
        else:
            self._end(switch)

    async def _load(self, switch: ModelSwitch, settings: Settings) -> LoadedModel:
        file = await self._loader.find(settings, both(to_log(), switch.report))
        switch.move("loading")
        try:
            return await self._loader.load_beside(settings, file)
        except OutOfMemory as error:
            old = self._service.attached
            if old is None:
                return await self._loader.load(settings, file)
            if old.config is None:
                raise
            await self._loader.check_in_place_of(old.config, settings, file)
            event(logger, "MODEL_SWITCH_IN_PLACE", str(error), logging.WARNING)
            return await self._in_place(switch, old, settings, file)

    async def _in_place(
        self, switch: ModelSwitch, old: LoadedModel, settings: Settings, file: ModelFile
    ) -> LoadedModel:
        """Closes the old model first; reopens it if the new one fails."""
        switch.move("draining")
        await self._service.vacate()
        switch.move("loading")
        try:
            return await self._loader.load(settings, file)
        except Exception:
            switch.move("returning")
            await self._bring_back(old)
            raise

    async def _bring_back(self, old: LoadedModel) -> None:
        try:
            self._service.install(await self._loader.bring_back(old))
        except SentiricLlamaError as error:
            self._service.fail(error)

    def _end(self, switch: ModelSwitch, error: SentiricLlamaError | None = None) -> None:
        result = self._result(switch, error)
        self._service.request_metrics.switches[result] += 1
        switch.end(result, error)
        names: dict[str, Any] = {"profile": switch.profile, "who": switch.who, "result": result}
        if error is None:
            event(logger, "MODEL_SWITCHED", "changed", **names, elapsed_s=switch.seconds)
        else:
            text, level = str(error), logging.ERROR if result == "lost" else logging.WARNING
            event(logger, "MODEL_SWITCH_FAILED", text, level, **names, elapsed_s=switch.seconds)

    def _result(self, switch: ModelSwitch, error: SentiricLlamaError | None) -> Result:
        if error is None:
            return "ok"
        if self._service.attached is None:
            return "lost"
        return "rolled_back" if switch.phase == "returning" else "failed"


def both(first: Report, second: Report) -> Report:
    """Reports progress to two readers."""

    def report(progress: Progress) -> None:
        first(progress)
        second(progress)

    return report
