# SPDX-License-Identifier: AGPL-3.0-only
"""Compares a configuration with the machine's memory, and finds a smaller one that fits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from sentiric_llama.engine.facts import list_devices
from sentiric_llama.engine.memory.plan import DevicePlan, MemoryPlan, least_plan, plan_memory
from sentiric_llama.errors import OutOfMemory
from sentiric_llama.host.machine import Budget, memory_budgets
from sentiric_llama.host.sizes import human_bytes
from sentiric_llama.settings.config import PREFIX
from sentiric_llama.types import Device, EngineConfig

SHORTEST_FITTED_CONTEXT = 512
"""FIT=auto never makes contexts shorter: they would be too short for a conversation."""
PROCESS_BYTES = 48 * 2**20
"""What an open engine takes beyond its plan, for prompts and the allocator."""
VOCABULARY_BYTES = 640
"""What it takes per token of the vocabulary; measured with 32 000 to 152 000 tokens."""
SERVICE_BYTES = 92 * 2**20
"""Resident before a model is loaded: Python and all libraries. Measured on Linux, x86-64."""
UNKNOWN_BYTES = 2**62
"""Stands for the memory of a GPU that does not report it, which may be enough."""
RESERVED_BYTES = 1024 * 2**20
"""Address space that threads and their heaps reserve but hardly touch."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A budget that a plan exceeds."""

    device: DevicePlan
    budget: Budget
    needed: int
    is_least: bool = False
    """The numbers are lower bounds; the real need is larger."""

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
Devices = Callable[[], list[Device]]


def certain_shortages(
    least: MemoryPlan,
    budgets: list[Budget],
    config: EngineConfig,
    devices: Devices = list_devices,
) -> list[Shortage]:
    """The shortages that a lower bound proves. GPUs may take what the host cannot."""
    extra = gpu_bytes(devices) if config.gpu_layers else 0
    if extra:
        budgets = [replace(b, name=f"{b.name} with the GPUs", free=b.free + extra) for b in budgets]
    return [replace(item, is_least=True) for item in shortages(least, budgets)]


def gpu_bytes(devices: Devices = list_devices) -> int:
    """The memory of all GPUs together."""
    return sum(device.total or UNKNOWN_BYTES for device in devices() if device.is_gpu)


def shortages(plan: MemoryPlan, budgets: list[Budget]) -> list[Shortage]:
    """Every budget that is too small, the worst first."""
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
    """What the process of a service needs besides weights, cache and compute buffers."""
    return SERVICE_BYTES + VOCABULARY_BYTES * plan.vocabulary


def total_bytes(plan: MemoryPlan, device: DevicePlan) -> int:
    """What a device must have for the whole service. The host also has the process and `kept`."""
    is_host = device is plan.devices[-1]
    return device.needed + (process_bytes(plan) + plan.kept if is_host else 0)


def fit_to_memory(
    config: EngineConfig,
    mode: str,
    *,
    planner: Planner = plan_memory,
    devices: Devices = list_devices,
    floor: Floor = least_plan,
    budgets: list[Budget] | None = None,
) -> tuple[EngineConfig, str]:
    """The configuration to open, and a note if it was made smaller, else "".

    `mode` is the setting FIT: "refuse", "auto" or "off". Blocks while the model's header is read.
    Raises OutOfMemory with the numbers when nothing acceptable fits.
    """
    if mode == "off":
        return config, ""
    budgets = memory_budgets() if budgets is None else budgets
    measure = functools.partial(
        _measure, planner=planner, devices=devices, floor=floor, budgets=budgets
    )
    plan, short = measure(config)
    if not short:
        return config, ""
    if mode == "auto":
        smaller = _largest_that_fits(config, plan.context_size, lambda c: not measure(c)[1])
        if smaller is not None:
            was = f"{plan.contexts} contexts of {plan.context_size} tokens do not fit"
            now = f"{smaller.contexts} of {smaller.context_size}"
            return smaller, f"{was}, opening {now}: {short[0]}"
    raise OutOfMemory(f"{short[0]}; {_advice(plan, mode)}", where="memory")


def fits_easily(
    config: EngineConfig, *, planner: Planner, devices: Devices, budgets: list[Budget] | None = None
) -> bool:
    """Whether it fits even if the service has yet to load all its libraries."""
    found = memory_budgets() if budgets is None else budgets
    if any(budget.counts_virtual for budget in found):  # threads reserve any amount
        return False
    left = [replace(budget, free=budget.free - SERVICE_BYTES) for budget in found]
    return not _measure(config, planner=planner, devices=devices, floor=least_plan, budgets=left)[1]


def _measure(
    config: EngineConfig,
    *,
    planner: Planner,
    devices: Devices,
    floor: Floor,
    budgets: list[Budget],
) -> tuple[MemoryPlan, list[Shortage]]:
    """A plan and its shortages. Asks the native planner only if the lower bound fits."""
    least = floor(config)
    if least is not None and (short := certain_shortages(least, budgets, config, devices)):
        return least, short
    plan = planner(config)
    return plan, shortages(plan, budgets)


def fit_in_place_of(
    old: EngineConfig,
    config: EngineConfig,
    mode: str,
    *,
    planner: Planner = plan_memory,
    devices: Devices = list_devices,
    floor: Floor = least_plan,
    budgets: list[Budget] | None = None,
) -> tuple[EngineConfig, str]:
    """As `fit_to_memory`, as if the loaded engine `old` had already freed its planned memory."""
    if mode == "off":
        return config, ""
    budgets = memory_budgets() if budgets is None else budgets
    least = floor(config)
    if mode == "refuse" and least is not None:  # not even an empty machine is enough: skip the plan
        whole = [replace(budget, free=budget.total) for budget in budgets]
        if short := certain_shortages(least, whole, config, devices):
            raise OutOfMemory(f"{short[0]}; {_advice(least, mode)}", where="memory")
    leaving = planner(old)
    host = leaving.devices[-1].needed + leaving.kept
    given_back = {device.name: device.needed for device in leaving.devices[:-1]}
    budgets = [
        budget
        if budget.is_of_another
        else replace(budget, free=min(budget.total, budget.free + host))
        for budget in budgets
    ]

    def plan(wanted: EngineConfig) -> MemoryPlan:
        found = planner(wanted)
        freed = (
            replace(device, free=min(device.total, device.free + given_back.get(device.name, 0)))
            for device in found.devices
        )
        return replace(found, devices=tuple(freed))

    return fit_to_memory(config, mode, planner=plan, devices=devices, floor=floor, budgets=budgets)


def _largest_that_fits(
    config: EngineConfig, size: int, fits: Callable[[EngineConfig], bool]
) -> EngineConfig | None:
    """Keeps contexts of `size` tokens and takes fewer; halves them only if not even one fits."""
    while not fits(replace(config, contexts=1, context_size=size)):
        if size <= SHORTEST_FITTED_CONTEXT:
            return None
        size = max(SHORTEST_FITTED_CONTEXT, size // 2)
    return _most_contexts(replace(config, context_size=size), fits)


def _most_contexts(config: EngineConfig, fits: Callable[[EngineConfig], bool]) -> EngineConfig:
    """The largest number of contexts that fits, by bisection."""
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
    """The plan for programs, with all sizes in bytes."""
    short = shortages(plan, budgets)
    return {
        **asdict(plan),
        "cache_per_context": plan.cache_per_context,
        "process": process_bytes(plan),
        "budgets": [asdict(budget) for budget in budgets],
        "fits": not short,
        "shortages": [str(item) for item in short],
    }
