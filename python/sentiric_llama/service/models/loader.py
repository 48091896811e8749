# SPDX-License-Identifier: AGPL-3.0-only
"""From settings to a model that answers: the file, an engine in what memory holds, one token."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sentiric_llama.engine.config import within_training
from sentiric_llama.engine.fit import fit_in_place_of, fit_to_memory
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
Fitted = tuple[EngineConfig, str]
T = TypeVar("T")

GUIDE_NOTICE = (
    "answered by the built-in guide, which only knows this service; for a real model: "
    "sentiric-llama serve ggml-org/gemma-3-1b-it-GGUF"
)

logger = logging.getLogger(__name__)


class Loader:
    """Loads models one after the other or side by side."""

    def __init__(self, open_engine: OpenEngine | None = None) -> None:
        """`open_engine` replaces the native engine, whose memory alone can be planned."""
        self._open_engine = open_engine
        self._can_plan = open_engine is None

    async def find(self, settings: Settings, report: Report | None = None) -> ModelFile:
        """The configured model's file, downloaded where it must be."""
        return await in_daemon_thread(lambda: find_model(settings, report))

    async def load(self, settings: Settings, file: ModelFile) -> LoadedModel:
        """A model in all the memory there is, as FIT allows."""
        config = engine_config(settings, file)
        fitted = await self._fitted(lambda: fit_to_memory(config, settings.fit), config)
        return await self._open(settings, file, fitted, is_tried=settings.enable_warm_up)

    async def load_beside(self, settings: Settings, file: ModelFile) -> LoadedModel:
        """A model in whole beside what is loaded, which it must be as good as: it is always tried.

        Raises OutOfMemory when there is no room for both.
        """
        mode = "off" if settings.fit == "off" else "refuse"
        config = engine_config(settings, file)
        fitted = await self._fitted(lambda: fit_to_memory(config, mode), config)
        return await self._open(settings, file, fitted, is_tried=True)

    async def check_in_place_of(
        self, old: EngineConfig, settings: Settings, file: ModelFile
    ) -> None:
        """Raises OutOfMemory when the model would not fit even without the old one."""
        config = engine_config(settings, file)
        await self._fitted(lambda: fit_in_place_of(old, config, settings.fit), config)

    async def bring_back(self, old: LoadedModel) -> LoadedModel:
        """The same model once more, after it was closed."""
        assert old.config is not None
        engine = await self._engine(old.config)
        return LoadedModel(engine, old.served, old.settings, old.config)

    async def _fitted(self, fit: Callable[[], Fitted], config: EngineConfig) -> EngineConfig:
        if not self._can_plan:
            return config
        fitted, note = await in_daemon_thread(fit)
        if note:
            event(logger, "MODEL_MADE_TO_FIT", note, logging.WARNING)
        return fitted

    async def _open(
        self, settings: Settings, file: ModelFile, config: EngineConfig, *, is_tried: bool
    ) -> LoadedModel:
        started = time.monotonic()
        engine = await self._engine(config)
        loaded = LoadedModel(engine, served_model(settings, file), settings, config)
        try:
            if is_tried:
                await warm_up(engine)
        except BaseException:
            await engine.close()
            raise
        loaded.load_seconds = time.monotonic() - started
        return loaded

    async def _engine(self, config: EngineConfig) -> AsyncEngineProtocol:
        return await (self._open_engine or open_async_engine)(config)


async def open_async_engine(config: EngineConfig) -> AsyncEngineProtocol:
    """The native engine; imported here, so that nothing else needs the compiled module."""
    from sentiric_llama.engine.aio import AsyncEngine

    return await AsyncEngine.open(config)


def engine_config(settings: Settings, model: ModelFile) -> EngineConfig:
    """What the engine is told. Unless it was set, a context is as long as the model knows."""
    config = EngineConfig(
        model_path=str(model.path),
        contexts=settings.contexts,
        context_size=settings.context_size,
        batch_size=settings.batch_size,
        physical_batch_size=settings.physical_batch_size,
        prefill_chunk=settings.prefill_chunk,
        stream_interval_ms=settings.stream_interval_ms,
        compute_threads=settings.compute_threads,
        compute_threads_batch=settings.compute_threads_batch,
        gpu_layers=settings.gpu_layers,
        use_mmap=settings.use_mmap,
        kv_offload=settings.kv_offload,
        flash_attention=settings.flash_attention,
        kv_layout=settings.kv_layout,
        cache_type_k=settings.cache_type_k,
        cache_type_v=settings.cache_type_v,
        lora_dir=settings.lora_dir,
        max_adapters=settings.max_adapters,
        itl_slo_ms=settings.itl_slo_ms,
        kv_cells=settings.kv_cells,
        prefix_cache=settings.prefix_cache,
        host_cache_bytes=settings.host_cache_bytes,
        disk_cache_dir=settings.disk_cache_dir,
        disk_cache_bytes=settings.disk_cache_bytes,
        speculation=settings.speculation,
        draft_model=str(model.draft or ""),
        draft_gpu_layers=settings.draft_gpu_layers,
        deterministic=settings.deterministic,
        jump_forward=settings.jump_forward,
        queue_tokens=settings.queue_tokens,
        queue_limit=settings.queue_limit,
        queue_wait_ms=settings.queue_wait_ms,
        reader_wait_ms=settings.reader_wait_ms,
    )
    is_set = "context_size" in settings.model_fields_set
    return config if is_set else within_training(config)


def served_model(settings: Settings, model: ModelFile) -> ServedModel:
    """The names it answers to: the first alias is shown, the file's own name stays valid."""
    names = [*settings.model_alias, model.name, model.path.name]
    shown, *others = dict.fromkeys(names)
    return ServedModel(
        name=shown,
        aliases=tuple(others),
        notice=GUIDE_NOTICE if model.is_guide else "",
        created=int(time.time()),
    )


async def in_daemon_thread(work: Callable[[], T]) -> T:
    """`work()` on a thread that cannot keep the process alive: a download may take hours."""
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
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=body, name="model-load", daemon=True).start()
    return await done
