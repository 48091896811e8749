# SPDX-License-Identifier: AGPL-3.0-only
"""Loads a model: finds its file, fits the configuration into memory, opens and tries the engine."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import fields
from typing import Any, TypeVar

from sentiric_llama.engine.config import within_training
from sentiric_llama.engine.memory.fit import fit_in_place_of, fit_to_memory, fits_easily
from sentiric_llama.engine.opening import Opening, OpeningHere, OpeningInProcess
from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.errors import InternalError, SentiricLlamaError
from sentiric_llama.log.events import event
from sentiric_llama.models import ModelFile, find_model
from sentiric_llama.models.download.progress import Report
from sentiric_llama.service.models.slot import LoadedModel, ServedModel
from sentiric_llama.service.models.warm_up import warm_up
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import EngineConfig

OpenEngine = Callable[[EngineConfig], Awaitable[AsyncEngineProtocol]]
OnProgress = Callable[[float], None]
"""Gets how much of a model is loaded, 0..1."""
Fitted = tuple[EngineConfig, str]
T = TypeVar("T")

NOT_SETTINGS = frozenset({"tenant_weights", "chat_template", "embedding_pooling"})
"""Fields of `EngineConfig` that only users of the library can set."""

ANY_NAME = "*"
"""Among the aliases of a model: it answers to every name, for clients that send another's."""
GUIDE_NOTICE = (
    "answered by the built-in guide, which only knows this service; for a real model: "
    "sentiric-llama serve ggml-org/gemma-3-1b-it-GGUF"
)

logger = logging.getLogger(__name__)


class Loader:
    """Loads models, one in place of another or beside it."""

    def __init__(self, open_engine: OpenEngine | None = None) -> None:
        """`open_engine` replaces the native engine; its memory is then not planned."""
        self._open_engine = open_engine

    async def find(self, settings: Settings, report: Report | None = None) -> ModelFile:
        """Finds the file of the configured model; downloads it if necessary."""
        return await in_daemon_thread(lambda: find_model(settings, report))

    async def load(
        self,
        settings: Settings,
        file: ModelFile,
        on_progress: OnProgress = lambda _part: None,
        imported: asyncio.Future[Any] | None = None,
    ) -> LoadedModel:
        """Loads a model into the free memory, smaller than configured if FIT allows it.

        If memory is tight, waits until the service has `imported` its libraries, and measures then.
        """
        config = engine_config(settings, file)
        served = served_model(settings, file)
        async with self._opening(settings, config) as opening:
            fitted = await self._fit(opening, config, settings.fit, imported)
            is_tried = settings.enable_warm_up
            return await self._open(opening, settings, served, fitted, is_tried, on_progress)

    async def load_beside(self, settings: Settings, file: ModelFile) -> LoadedModel:
        """Loads a model as configured beside the current one, and always tries it.

        Raises OutOfMemory if memory does not hold both.
        """
        mode = "off" if settings.fit == "off" else "refuse"
        config = engine_config(settings, file)
        served = served_model(settings, file)
        async with self._opening(settings, config) as opening:
            fitted = await self._fit(opening, config, mode)
            return await self._open(opening, settings, served, fitted, is_tried=True)

    async def check_in_place_of(
        self, old: EngineConfig, settings: Settings, file: ModelFile
    ) -> None:
        """Raises OutOfMemory if the model does not fit even without the old one."""
        if self._open_engine is not None:
            return
        config = engine_config(settings, file)
        async with self._opening(settings, old, config) as opening:
            fit = functools.partial(fit_in_place_of, old, config, settings.fit)
            await in_daemon_thread(lambda: fit(**_asked(opening)))

    async def bring_back(self, old: LoadedModel) -> LoadedModel:
        """Reopens a model that was closed."""
        assert old.config is not None
        async with self._opening(old.settings, old.config) as opening:
            return await self._open(opening, old.settings, old.served, old.config, is_tried=False)

    @contextlib.asynccontextmanager
    async def _opening(self, settings: Settings, *configs: EngineConfig) -> AsyncIterator[Opening]:
        """What plans and opens `configs`; frees what it has started if it opens none."""
        opening: Opening
        if self._open_engine is not None:
            opening = _OpeningOf(self._open_engine)
        elif settings.isolation == "process":
            opening = await OpeningInProcess.start(settings.stall_timeout_s, *configs)
        else:
            opening = OpeningHere()
        try:
            yield opening
        finally:
            await opening.abandon()

    async def _fit(
        self,
        opening: Opening,
        config: EngineConfig,
        mode: str,
        imported: asyncio.Future[Any] | None = None,
    ) -> EngineConfig:
        if self._open_engine is not None:
            return config
        if imported is not None and not imported.done() and mode != "off":
            if await in_daemon_thread(lambda: fits_easily(config, **_asked(opening))):
                return config
            await asyncio.wait((imported,))
        fit = functools.partial(fit_to_memory, config, mode)
        fitted, note = await in_daemon_thread(lambda: fit(**_asked(opening)))
        if note:
            event(logger, "MODEL_MADE_TO_FIT", note, logging.WARNING)
        return fitted

    async def _open(
        self,
        opening: Opening,
        settings: Settings,
        served: ServedModel,
        config: EngineConfig,
        is_tried: bool,
        on_progress: OnProgress = lambda _part: None,
    ) -> LoadedModel:
        started = time.monotonic()
        engine = await opening.open(config, on_progress)
        loaded = LoadedModel(engine, served, settings, config)
        try:
            if is_tried:
                await warm_up(engine)
        except BaseException:
            await engine.close()
            raise
        loaded.load_seconds = time.monotonic() - started
        return loaded


def _asked(opening: Opening) -> dict[str, Any]:
    """What fitting asks for. Blocks."""
    return {
        "planner": opening.plan,
        "devices": opening.devices,
        "budgets": opening.budgets(),
    }


class _OpeningOf(OpeningHere):
    """Opens an engine that somebody else makes."""

    def __init__(self, open_engine: OpenEngine) -> None:
        self._open_engine = open_engine

    async def open(self, config: EngineConfig, on_progress: OnProgress) -> AsyncEngineProtocol:
        return await self._open_engine(config)


def engine_config(settings: Settings, model: ModelFile) -> EngineConfig:
    """The engine's configuration from the settings of the same names.

    Unless CONTEXT_SIZE is set, a context is no longer than the model was trained with.
    """
    names = (field.name for field in fields(EngineConfig) if field.name not in NOT_SETTINGS)
    values = {name: getattr(settings, name) for name in names}
    values |= {"model_path": str(model.path), "draft_model": str(model.draft or "")}
    config = EngineConfig(**values)
    is_set = "context_size" in settings.model_fields_set
    return config if is_set else within_training(config)


def served_model(settings: Settings, model: ModelFile) -> ServedModel:
    """The model's names: shows the first alias; the file's own name stays valid."""
    given = [name for name in settings.model_alias if name != ANY_NAME]
    names = [*given, model.name, model.path.name]
    shown, *others = dict.fromkeys(names)
    return ServedModel(
        name=shown,
        aliases=tuple(others),
        notice=GUIDE_NOTICE if model.is_guide else "",
        created=int(time.time()),
        answers_to_all=ANY_NAME in settings.model_alias,
    )


async def in_daemon_thread(work: Callable[[], T]) -> T:
    """Runs `work` on a thread that does not keep the process alive: a download may take hours."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # None only when T is

    def body() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = work()
        except SentiricLlamaError as error:
            failure = error
        except Exception as error:
            logger.error("unexpected", exc_info=error, extra={"event": "MODEL_LOAD_FAILED"})
            failure = InternalError(f"cannot load ({type(error).__name__})", where="model")
        with contextlib.suppress(RuntimeError):  # the loop is closed, so no task is waiting
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=body, name="model-load", daemon=True).start()
    return await done
