# SPDX-License-Identifier: AGPL-3.0-only
"""Whether a configuration fits the machine, and the largest smaller one that does."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from sentiric_llama.engine.convert import copy_fields
from sentiric_llama.engine.memory import DevicePlan, MemoryPlan, least_plan, plan_memory
from sentiric_llama.errors import OutOfMemory
from sentiric_llama.host.machine import Budget, memory_budgets
from sentiric_llama.host.sizes import human_bytes
from sentiric_llama.settings.config import PREFIX
from sentiric_llama.types import Device, EngineConfig

SMALLEST_CONTEXT = 512
"""Fitting stops here: no conversation is worth having in less."""
PROCESS_BYTES = 48 * 2**20
"""The prompts' and the allocator's own: what an open engine takes beyond a plan."""
VOCABULARY_BYTES = 640
"""What it takes for each token of the vocabulary; measured with 32 000 to 152 000 of them."""
SERVICE_BYTES = 92 * 2**20
"""Resident before a model is loaded: Python, its libraries, ours. Measured: Linux, x86-64."""
UNKNOWN_BYTES = 2**62
RESERVED_BYTES = 1024 * 2**20
"""Address space that threads and their heaps reserve and hardly touch."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A bound that the plan does not fit under."""

    device: DevicePlan
    budget: Budget
    needed: int
    is_least: bool = False
    """The numbers are bounds from below: what is needed is more."""

    def __str__(self) -> str:
        plan = self.device
        needs = "needs at least" if self.is_least else "needs"
        return (
            f"{plan.name} {needs} {human_bytes(self.needed)} (weights {human_bytes(plan.weights)}, "
            f"cache {human_bytes(plan.cache)}, compute {human_bytes(plan.compute)}, engine "
            f"{human_bytes(self.needed - plan.needed)}), but {self.budget.name} leaves "
            f"{human_bytes(self.budget.free)} of {human_bytes(self.budget.total)}"
        )


Planner = Callable[[EngineConfig], MemoryPlan]
Floor = Callable[[EngineConfig], MemoryPlan | None]


def impossible(least: MemoryPlan, budgets: list[Budget], config: EngineConfig) -> list[Shortage]:
    """As `shortages` for what `least_plan` says: GPUs may take what the host cannot."""
    room = _accelerator_bytes() if config.gpu_layers else 0
    if room:
        names = [f"{budget.name} with the GPUs" for budget in budgets]
        budgets = [
            replace(b, name=n, free=b.free + room) for b, n in zip(budgets, names, strict=True)
        ]
    return [replace(item, is_least=True) for item in shortages(least, budgets)]


def _accelerator_bytes() -> int:
    from sentiric_llama import _core

    devices = [copy_fields(device, Device) for device in _core.devices()]
    gpus = [device for device in devices if device.kind in ("gpu", "igpu")]
    # One that does not say what it has may have enough.
    return sum(gpu.total for gpu in gpus) if all(gpu.total for gpu in gpus) else UNKNOWN_BYTES


def shortages(plan: MemoryPlan, budgets: list[Budget]) -> list[Shortage]:
    """Every bound that is too small, the worst first."""
    return sorted(_shortages(plan, budgets), key=lambda item: item.budget.free - item.needed)


def _shortages(plan: MemoryPlan, budgets: list[Budget]) -> Iterator[Shortage]:
    *accelerators, host = plan.devices
    for device in accelerators:
        if device.total and device.needed > device.free:
            budget = Budget("its memory", device.free, device.total)
            yield Shortage(device, budget, device.needed)
    for budget in budgets:
        extra = RESERVED_BYTES if budget.counts_virtual else PROCESS_BYTES
        extra += VOCABULARY_BYTES * plan.vocabulary
        needed = host.needed + plan.kept + extra
        if needed > budget.free:
            yield Shortage(host, budget, needed)


def process_bytes(plan: MemoryPlan) -> int:
    """What the whole process of a service holds beside weights, cache and compute buffers."""
    return SERVICE_BYTES + VOCABULARY_BYTES * plan.vocabulary


def total_bytes(plan: MemoryPlan, device: DevicePlan) -> int:
    """What a device must have for the whole service: the host holds its process, too."""
    return device.needed + (process_bytes(plan) if device is plan.devices[-1] else 0)


def fit_to_memory(
    config: EngineConfig,
    mode: str,
    *,
    planner: Planner = plan_memory,
    floor: Floor = least_plan,
    budgets: list[Budget] | None = None,
) -> tuple[EngineConfig, str]:
    """The configuration to open, and a line about what was made smaller; "" for nothing.

    `mode` is the setting `fit`: "refuse", "auto" or "off". Blocks while the model's header is read.
    Raises OutOfMemory with the numbers when nothing acceptable fits.
    """
    if mode == "off":
        return config, ""
    budgets = memory_budgets() if budgets is None else budgets
    look = functools.partial(_look, planner=planner, floor=floor, budgets=budgets)
    plan, short = look(config)
    if not short:
        return config, ""
    if mode == "auto":
        for smaller in _smaller(config, plan, lambda c: not look(c)[1]):
            was = f"{plan.contexts} contexts of {plan.context_size} tokens do not fit"
            now = f"{smaller.contexts} of {smaller.context_size}"
            return smaller, f"{was}, opening {now}: {short[0]}"
    raise OutOfMemory(f"{short[0]}; {_advice(plan, mode)}", where="memory")


def _look(
    config: EngineConfig, *, planner: Planner, floor: Floor, budgets: list[Budget]
) -> tuple[MemoryPlan, list[Shortage]]:
    """A plan and what is too small for it. The native planner is asked only when it may fit."""
    least = floor(config)
    if least is not None and (short := impossible(least, budgets, config)):
        return least, short
    plan = planner(config)
    return plan, shortages(plan, budgets)


def fit_in_place_of(
    old: EngineConfig,
    config: EngineConfig,
    mode: str,
    *,
    planner: Planner = plan_memory,
    floor: Floor = least_plan,
    budgets: list[Budget] | None = None,
) -> tuple[EngineConfig, str]:
    """As `fit_to_memory`, once the loaded engine `old` gave back what it was planned to take."""
    budgets = memory_budgets() if budgets is None else budgets
    least = floor(config)
    if mode == "refuse" and least is not None:  # an empty machine would not do: ask for no plan
        whole = [replace(budget, free=budget.total) for budget in budgets]
        if short := impossible(least, whole, config):
            raise OutOfMemory(f"{short[0]}; {_advice(least, mode)}", where="memory")
    leaving = planner(old)
    host = leaving.devices[-1].needed + leaving.kept
    given_back = {device.name: device.needed for device in leaving.devices[:-1]}
    budgets = [replace(budget, free=min(budget.total, budget.free + host)) for budget in budgets]

    def plan(wanted: EngineConfig) -> MemoryPlan:
        found = planner(wanted)
        devices = (
            replace(device, free=min(device.total, device.free + given_back.get(device.name, 0)))
            for device in found.devices
        )
        return replace(found, devices=tuple(devices))

    return fit_to_memory(config, mode, planner=plan, floor=floor, budgets=budgets)


def _smaller(
    config: EngineConfig, plan: MemoryPlan, fits: Callable[[EngineConfig], bool]
) -> Iterator[EngineConfig]:
    """At most one: fewer contexts first, then shorter ones; the largest that fits."""
    size = plan.context_size
    while True:
        one = replace(config, contexts=1, context_size=size)
        if fits(one):
            yield _most_contexts(replace(config, context_size=size), fits)
            return
        if size <= SMALLEST_CONTEXT:
            return
        size = max(SMALLEST_CONTEXT, size // 2)


def _most_contexts(config: EngineConfig, fits: Callable[[EngineConfig], bool]) -> EngineConfig:
    low, high = 1, config.contexts  # low fits; the answer is in [low, high]
    while low < high:
        middle = (low + high + 1) // 2
        if fits(replace(config, contexts=middle)):
            low = middle
        else:
            high = middle - 1
    return replace(config, contexts=low)


def _advice(plan: MemoryPlan, mode: str) -> str:
    name = f"{PREFIX}FIT"
    each = human_bytes(plan.cache_per_context)
    text = (
        f"{plan.contexts} contexts of {plan.context_size} tokens take {each} of cache each: "
        f"choose fewer ({PREFIX}CONTEXTS) or shorter ones ({PREFIX}CONTEXT_SIZE), "
        f"or a smaller model"
    )
    return (
        f"{text}, or set {name}=auto" if mode == "refuse" else f"even the smallest do not; {text}"
    )


def plan_as_json(plan: MemoryPlan, budgets: list[Budget]) -> dict[str, object]:
    """For machines; bytes everywhere."""
    return {
        **asdict(plan),
        "cache_per_context": plan.cache_per_context,
        "process": process_bytes(plan),
        "budgets": [asdict(budget) for budget in budgets],
        "fits": not shortages(plan, budgets),
        "shortages": [str(item) for item in shortages(plan, budgets)],
    }
