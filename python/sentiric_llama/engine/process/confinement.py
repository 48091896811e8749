# SPDX-License-Identifier: AGPL-3.0-only
"""What an engine process may reach: the files of its models, and the folder of its cache."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from sentiric_llama.engine.facts import supports_gpu
from sentiric_llama.log.events import event
from sentiric_llama.models import shard_names
from sentiric_llama.types import EngineConfig

logger = logging.getLogger(__name__)

Protections = tuple[tuple[str, bool, str], ...]


@dataclass(frozen=True, slots=True)
class Confinement:
    """The rules of one process; see `messages.Confine`."""

    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    uses_devices: bool = False


def confinement_of(*configs: EngineConfig) -> Confinement:
    """What a process needs that plans or opens these configurations."""
    readable = {path for config in configs for path in _files(config)}
    writable = {
        f"{config.disk_cache_dir}/kv-states"
        for config in configs
        if config.disk_cache_dir and config.disk_cache_bytes and config.prefix_cache
    }
    uses_devices = supports_gpu() and any(config.gpu_layers for config in configs)
    return Confinement(tuple(sorted(readable)), tuple(sorted(writable)), uses_devices)


def _files(config: EngineConfig) -> list[str]:
    return [*_models(config), *([config.lora_dir] if config.lora_dir else [])]


def _models(config: EngineConfig) -> list[str]:
    models = [Path(path) for path in (config.model_path, config.draft_model) if path]
    return [str(model.with_name(name)) for model in models for name in shard_names(model.name)]


def identity_of(config: EngineConfig) -> tuple[tuple[int, ...], ...]:
    """Changes when another file takes the place of one of the models; missing ones do not count."""
    found = []
    for path in _models(config):
        with contextlib.suppress(OSError):
            stat = os.stat(path)
            found.append((stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def offered_layers() -> Protections:
    """What this system offers: name, whether it would hold, detail. Changes nothing.

    Raises ImportError in a tree that is not built.
    """
    from sentiric_llama import _host

    return tuple(_host.sandbox_report())


def report(pid: int, protections: Protections) -> None:
    """Logs what holds."""
    missing = [name for name, holds, _ in protections if not holds]
    level = logging.WARNING if missing else logging.INFO
    text = "; ".join(line for _, _, line in protections)
    event(logger, "ENGINE_CONFINED", text, level, pid=pid, missing=missing)
