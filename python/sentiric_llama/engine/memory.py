# SPDX-License-Identifier: AGPL-3.0-only
"""What a configuration will need, compared with what is there, before anything is loaded.

The numbers come from llama.cpp itself, which lays out the model and its contexts without
allocating them. That takes seconds of a core for a large configuration: what cannot fit by the
arithmetic of `models.least_memory` is refused before. `fit_to_memory` is the gate of every start.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from sentiric_llama.engine.build import build_info
from sentiric_llama.engine.convert import config_to_native
from sentiric_llama.engine.handle import forward_log
from sentiric_llama.errors import InvalidArgument, SentiricLlamaError
from sentiric_llama.models import check_model
from sentiric_llama.models.least_memory import least_memory
from sentiric_llama.settings.sections.engine import PLAIN_CACHE_TYPES
from sentiric_llama.types import EngineConfig


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """Bytes on one device. `free` and `total` are 0 when it does not say."""

    name: str
    weights: int
    cache: int
    compute: int
    free: int
    total: int

    @property
    def needed(self) -> int:
        return self.weights + self.cache + self.compute


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """A configuration's needs. The last device is the host's RAM."""

    contexts: int
    context_size: int
    context_train: int
    devices: tuple[DevicePlan, ...]
    kept: int = 0
    """Room in RAM for states that left the cache. Automatic room is not counted: it yields."""
    speculation: str = "off"
    """What will draft: "draft", "ngram" or "off"."""
    vocabulary: int = 0
    """Tokens of the model, each of which the process keeps notes of."""

    @property
    def cache_per_context(self) -> int:
        return sum(device.cache for device in self.devices) // self.contexts


def leaves_draft_out(plan: MemoryPlan, config: EngineConfig) -> bool:
    """A draft model was named, and stays out although nobody said so: it could change a text."""
    is_silent = config.speculation == "auto" and not config.deterministic
    return bool(config.draft_model) and is_silent and plan.speculation == "off"


def lacks_flash_attention(cache_type_v: str, flash_attention: str) -> bool:
    """True for cached values that need it where it stays off: `auto` is on with a GPU only."""
    if cache_type_v in PLAIN_CACHE_TYPES or flash_attention == "on":
        return False
    return flash_attention == "off" or not build_info()["supports_gpu"]


def plan_memory(config: EngineConfig) -> MemoryPlan:
    """Asks the native engine. Errors as opening it would give."""
    from sentiric_llama import _core

    if lacks_flash_attention(config.cache_type_v, config.flash_attention):
        raise InvalidArgument(
            f"{config.cache_type_v} needs flash attention; got flash_attention "
            f"{config.flash_attention}, allowed on",
            where="cache_type_v",
        )

    try:
        plan = _core.plan_memory(config_to_native(config))
    finally:
        forward_log()
    names = [field.name for field in fields(DevicePlan)]
    devices = (DevicePlan(*(getattr(item, name) for name in names)) for item in plan.devices)
    kept = max(0, config.host_cache_bytes)
    shape = (plan.contexts, plan.context_size, plan.context_train)
    return MemoryPlan(*shape, tuple(devices), kept, plan.speculation, vocabulary_of(config))


def least_plan(config: EngineConfig) -> MemoryPlan | None:
    """What it takes at the least, without native code; None when the file does not say."""
    least = least_memory(config)
    if least is None:
        return None
    device = DevicePlan("host", least.weights, least.cache, least.notes, 0, 0)
    kept = max(0, config.host_cache_bytes)
    shape = (config.contexts, least.context_size, least.context_train)
    return MemoryPlan(*shape, (device,), kept, vocabulary=vocabulary_of(config))


def vocabulary_of(config: EngineConfig) -> int:
    """The number of tokens that the model's file lists; 0 when it does not say."""
    try:
        tokens = check_model(Path(config.model_path)).array("tokenizer.ggml.tokens")
    except SentiricLlamaError:
        return 0
    return tokens.count if tokens else 0
