# SPDX-License-Identifier: AGPL-3.0-only
"""How much memory a configuration needs, known before anything is loaded.

`plan_memory` asks llama.cpp, which lays out the model and its contexts without allocating them.
That may take seconds of CPU time. `least_plan` gives a lower bound by arithmetic on the file's
header. `fit` compares both with the memory of the machine.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

from sentiric_llama.engine.convert import config_to_native
from sentiric_llama.engine.facts import supports_gpu
from sentiric_llama.engine.handle import forward_log
from sentiric_llama.errors import InvalidArgument, SentiricLlamaError
from sentiric_llama.models import check_model
from sentiric_llama.models.least_memory import least_memory
from sentiric_llama.settings.sections.engine import PLAIN_CACHE_TYPES
from sentiric_llama.types import EngineConfig


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """Bytes needed on one device. `free` and `total` are 0 if the device does not report them."""

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
    """The memory that a configuration needs. The last device is the host's RAM."""

    contexts: int
    context_size: int
    context_train: int
    devices: tuple[DevicePlan, ...]
    kept: int = 0
    """RAM for states evicted from the KV cache; 0 if its size is automatic, as it then shrinks."""
    speculation: str = "off"
    """How tokens are drafted: "draft", "ngram" or "off"."""
    vocabulary: int = 0
    """Number of tokens in the vocabulary; the process keeps data for each."""

    @property
    def cache_per_context(self) -> int:
        return sum(device.cache for device in self.devices) // self.contexts


def leaves_draft_out(plan: MemoryPlan, config: EngineConfig) -> bool:
    """True if `auto` ignores the configured draft model because it could change texts."""
    is_auto = config.speculation == "auto" and not config.deterministic
    return bool(config.draft_model) and is_auto and plan.speculation == "off"


def lacks_flash_attention(cache_type_v: str, flash_attention: str) -> bool:
    """True if the V cache needs flash attention but it is off; `auto` enables it on GPUs only."""
    if cache_type_v in PLAIN_CACHE_TYPES or flash_attention == "on":
        return False
    return flash_attention == "off" or not supports_gpu()


def plan_memory(config: EngineConfig) -> MemoryPlan:
    """Asks the native engine in this process. Raises what opening it would raise."""
    from sentiric_llama import _core

    check_cache_types(config)
    try:
        plan = _core.plan_memory(config_to_native(config))
    finally:
        forward_log()
    names = [field.name for field in fields(DevicePlan)]
    devices = (DevicePlan(*(getattr(item, name) for name in names)) for item in plan.devices)
    shape = (plan.contexts, plan.context_size, plan.context_train)
    return completed(MemoryPlan(*shape, tuple(devices), speculation=plan.speculation), config)


def check_cache_types(config: EngineConfig) -> None:
    """Raises InvalidArgument for a V cache that needs flash attention and has none."""
    if lacks_flash_attention(config.cache_type_v, config.flash_attention):
        raise InvalidArgument(
            f"{config.cache_type_v} needs flash attention; got flash_attention "
            f"{config.flash_attention}, allowed on",
            where="cache_type_v",
        )


def completed(plan: MemoryPlan, config: EngineConfig) -> MemoryPlan:
    """The plan of a native engine with what is known without it."""
    kept = max(0, config.host_cache_bytes)
    return replace(plan, kept=kept, vocabulary=vocabulary_of(config))


def least_plan(config: EngineConfig) -> MemoryPlan | None:
    """A lower bound, computed without native code; None if the file's header is not enough."""
    least = least_memory(config)
    if least is None:
        return None
    device = DevicePlan("host", least.weights, least.cache, least.notes, 0, 0)
    kept = max(0, config.host_cache_bytes)
    shape = (config.contexts, least.context_size, least.context_train)
    return MemoryPlan(*shape, (device,), kept, vocabulary=vocabulary_of(config))


def vocabulary_of(config: EngineConfig) -> int:
    """The number of tokens in the model's vocabulary; 0 if the file does not list them."""
    try:
        tokens = check_model(Path(config.model_path)).array("tokenizer.ggml.tokens")
    except SentiricLlamaError:
        return 0
    return tokens.count if tokens else 0
