# SPDX-License-Identifier: AGPL-3.0-only
"""Bounds on memory in fake trees, and what fitting makes of a configuration. No model is read."""

from __future__ import annotations

import dataclasses
import resource
import subprocess
from pathlib import Path

import pytest

from sentiric_llama.commands.start.plan import bound_rows, device_rows
from sentiric_llama.engine.memory.fit import (
    PROCESS_BYTES,
    RESERVED_BYTES,
    SERVICE_BYTES,
    fit_in_place_of,
    fit_to_memory,
    fits_easily,
)
from sentiric_llama.engine.memory.plan import DevicePlan, MemoryPlan
from sentiric_llama.errors import OutOfMemory
from sentiric_llama.host.machine import Budget, memory_budgets
from sentiric_llama.host.process import status_bytes
from sentiric_llama.host.sizes import human_bytes
from sentiric_llama.types import EngineConfig

MIB = 2**20
MEMINFO = "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable:    8192 kB\n"


class Tree:
    """A folder that stands for `/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("proc/meminfo", MEMINFO)
        self.write("proc/self/status", "VmSize:\t  2048 kB\nVmRSS:\t 1024 kB\n")

    def write(self, name: str, text: str | int) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    def group(self, name: str, limit: str | int, used: int, cache: int) -> None:
        folder = f"sys/fs/cgroup/{name}".rstrip("/")
        self.write(f"{folder}/memory.max", limit)
        self.write(f"{folder}/memory.current", used)
        self.write(f"{folder}/memory.stat", f"anon 5\ninactive_file {cache}\nfile 7")

    def budgets(self) -> list[tuple[str, int, int]]:
        return [(b.name.split(" ")[0], b.free, b.total) for b in memory_budgets(self.root)]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    pytest.importorskip("sentiric_llama._core")
    return Tree(tmp_path / "root")


RAM = ("RAM", 8192 * 1024, 16384 * 1024)


def test_ram_alone(tree: Tree) -> None:
    assert tree.budgets() == [RAM]
    assert status_bytes("VmRSS", root=tree.root) == MIB
    assert status_bytes("VmRSS", "VmSize", "Other", root=tree.root) == 3 * MIB
    assert status_bytes("Other", root=tree.root) is None


def test_no_proc_at_all(tmp_path: Path) -> None:
    pytest.importorskip("sentiric_llama._core")
    assert memory_budgets(tmp_path) == [] and status_bytes("VmRSS", root=tmp_path) is None


def test_a_group_of_version_two_and_its_parents(tree: Tree) -> None:
    tree.write("proc/self/cgroup", "0::/pod/main")
    tree.group("pod/main", "max", 50, 0)
    tree.group("pod", 1000, 600, 100)
    assert tree.budgets() == [("cgroup", 500, 1000), RAM]
    tree.group("pod/main", 700, 650, 0)
    assert tree.budgets() == [("cgroup", 50, 700), ("cgroup", 500, 1000), RAM]


def test_a_container_sees_its_group_as_the_root(tree: Tree) -> None:
    tree.write("proc/self/cgroup", "0::/")
    tree.group("", 1000, 1200, 100)
    assert tree.budgets() == [("cgroup", 0, 1000), RAM]


def test_a_group_of_version_one(tree: Tree) -> None:
    tree.write("proc/self/cgroup", "9:cpu:/x\n4:memory:/docker/abc\n0::/")
    folder = "sys/fs/cgroup/memory/docker/abc"
    tree.write(f"{folder}/memory.limit_in_bytes", 5000)
    tree.write(f"{folder}/memory.usage_in_bytes", 1000)
    tree.write(f"{folder}/memory.stat", "inactive_file 1\ntotal_inactive_file 300")
    tree.write("sys/fs/cgroup/memory/memory.limit_in_bytes", 9223372036854771712)
    assert tree.budgets() == [("cgroup", 4300, 5000), RAM]


def test_the_address_space_limit(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (3 * MIB, resource.RLIM_INFINITY))
    (budget, _) = memory_budgets(tree.root)
    assert (budget.free, budget.total, budget.counts_virtual) == (MIB, 3 * MIB, True)


def test_the_address_space_limit_of_another_process(tmp_path: Path) -> None:
    """What this process takes is no part of it."""
    pytest.importorskip("sentiric_llama._core")
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            assert memory_budgets(tmp_path, other.pid) == []
            resource.prlimit(other.pid, resource.RLIMIT_AS, (3 * MIB, 4 * MIB))
            (budget,) = memory_budgets(tmp_path, other.pid)
            assert (budget.free, budget.total) == (3 * MIB, 3 * MIB)  # no /proc in this root
            assert budget.counts_virtual and budget.is_of_another
            named = [each for each in memory_budgets(engine=other.pid) if each.is_of_another]
            assert [each.total for each in named] == [3 * MIB] and named[0].free < 3 * MIB
        finally:
            other.kill()
    assert memory_budgets(tmp_path, other.pid) == []


# Fitting: 10 MiB of weights, 1 KiB of cache for each token, 5 MiB of compute


def plan(config: EngineConfig, gpu_free: int | None = None) -> MemoryPlan:
    size = config.context_size or 8192
    cache = config.contexts * size * 1024
    free = gpu_free if gpu_free is not None else 0
    device = DevicePlan("x", 10 * MIB, cache, 5 * MIB, free, 2 * free)
    empty = DevicePlan("host", 0, 0, 0, 0, 0)
    devices = (device, empty) if gpu_free is not None else (device,)
    return MemoryPlan(config.contexts, size, 8192, devices)


def ram(mib: int) -> list[Budget]:
    return [Budget("RAM", mib * MIB + PROCESS_BYTES, 1024 * MIB)]


CONFIG = EngineConfig("m.gguf", contexts=8, context_size=4096)  # 15 + 32 MiB


@pytest.mark.parametrize("mode", ["refuse", "auto"])
def test_what_fits_is_left_alone(mode: str) -> None:
    assert fit_to_memory(CONFIG, mode, planner=plan, budgets=ram(47)) == (CONFIG, "")
    assert fit_to_memory(CONFIG, mode, planner=plan, budgets=[]) == (CONFIG, "")


def test_what_does_not_is_refused_with_numbers() -> None:
    with pytest.raises(OutOfMemory) as caught:
        fit_to_memory(CONFIG, "refuse", planner=plan, budgets=ram(46))
    text = str(caught.value)
    parts = ["95.0 MiB", "weights 10.0", "cache 32.0", "compute 5.0", "RAM leaves 94.0 MiB of 1.00"]
    for part in [*parts, "8 contexts of 4096", "4.0 MiB of cache each", "CONTEXTS", "FIT=auto"]:
        assert part in text
    assert caught.value.mapping.exit_code == 8


def test_off_asks_nobody() -> None:
    def never(_: EngineConfig) -> MemoryPlan:
        raise AssertionError

    assert fit_to_memory(CONFIG, "off", planner=never, budgets=ram(1)) == (CONFIG, "")
    assert fit_in_place_of(CONFIG, CONFIG, "off", planner=never, floor=never) == (CONFIG, "")


@pytest.mark.parametrize(
    ("free", "contexts", "size"),
    [(46, 7, 4096), (31, 4, 4096), (19, 1, 4096), (18, 1, 2048), (16, 1, 1024)],
)
def test_fewer_contexts_then_shorter_ones(free: int, contexts: int, size: int) -> None:
    fitted, note = fit_to_memory(CONFIG, "auto", planner=plan, budgets=ram(free))
    assert (fitted.contexts, fitted.context_size) == (contexts, size)
    assert f"opening {contexts} of {size}" in note and "8 contexts of 4096" in note


def test_shorter_contexts_may_be_several_again() -> None:
    config = EngineConfig("m.gguf", contexts=8, context_size=0)  # 8192: what it was trained with
    fitted, _ = fit_to_memory(config, "auto", planner=plan, budgets=ram(19 + 2))
    assert (fitted.contexts, fitted.context_size) == (1, 4096)


def test_nothing_is_small_enough() -> None:
    with pytest.raises(OutOfMemory, match="even the smallest do not"):
        fit_to_memory(CONFIG, "auto", planner=plan, budgets=ram(15))


def test_a_gpu_is_bounded_by_its_own_memory() -> None:
    def on_gpu(config: EngineConfig) -> MemoryPlan:
        return plan(config, gpu_free=31 * MIB)

    with pytest.raises(OutOfMemory, match=r"x needs .* its memory leaves 31\.0 MiB of 62\.0 MiB"):
        fit_to_memory(CONFIG, "refuse", planner=on_gpu, budgets=ram(1000))
    fitted, _ = fit_to_memory(CONFIG, "auto", planner=on_gpu, budgets=ram(1000))
    assert (fitted.contexts, fitted.context_size) == (4, 4096)


def test_a_plan_shows_each_gpu_and_every_bound() -> None:
    found = plan(CONFIG, gpu_free=31 * MIB)
    silent = DevicePlan("y", 1, 0, 0, 0, 0)
    found = dataclasses.replace(found, devices=(silent, *found.devices))
    bounds = [Budget("RAM", 5 * MIB, 7 * MIB)]
    devices = [(row[0], row[-2], row[-1]) for row in device_rows(found, bounds)]
    assert devices == [
        ("y", "1 B", "–"),
        ("x", "47.0 MiB", "31.0 MiB"),
        ("host", "92.0 MiB", "5.0 MiB"),
    ]
    assert list(bound_rows(found, bounds)) == [
        ["x", "31.0 MiB", "62.0 MiB"],
        ["RAM", "5.0 MiB", "7.0 MiB"],
    ]


def test_kept_states_take_room_too() -> None:
    def keeping(config: EngineConfig) -> MemoryPlan:
        return dataclasses.replace(plan(config), kept=10 * MIB)

    assert fit_to_memory(CONFIG, "refuse", planner=keeping, budgets=ram(57))[1] == ""
    with pytest.raises(OutOfMemory):
        fit_to_memory(CONFIG, "refuse", planner=keeping, budgets=ram(56))


def test_reserved_memory_counts_under_an_address_space_limit() -> None:
    limit = [Budget("address space", 47 * MIB + RESERVED_BYTES, 2**40, counts_virtual=True)]
    assert fit_to_memory(CONFIG, "refuse", planner=plan, budgets=limit)[1] == ""
    limit = [Budget("address space", 46 * MIB + RESERVED_BYTES, 2**40, counts_virtual=True)]
    with pytest.raises(OutOfMemory, match="address space"):
        fit_to_memory(CONFIG, "refuse", planner=plan, budgets=limit)


def test_before_the_libraries_are_there_memory_counts_as_less() -> None:
    spare = SERVICE_BYTES // MIB

    def is_easy(budgets: list[Budget]) -> bool:
        return fits_easily(CONFIG, planner=plan, devices=list, budgets=budgets)

    assert is_easy(ram(47 + spare)) and not is_easy(ram(46 + spare))
    plenty = Budget("address space", 2**50, 2**50, counts_virtual=True)
    assert is_easy([]) and not is_easy([*ram(1000), plenty])


def test_the_worst_bound_is_named() -> None:
    bounds = [*ram(40), Budget("cgroup", 20 * MIB, 64 * MIB)]
    with pytest.raises(OutOfMemory, match="but cgroup leaves"):
        fit_to_memory(CONFIG, "refuse", planner=plan, budgets=bounds)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**30, "1.00 GiB"), (2**42, "4096.00 GiB")],
)
def test_human_bytes(count: int, text: str) -> None:
    assert human_bytes(count) == text


# In the place of what is loaded: CONFIG needs 47 MiB, half as many contexts 31


def test_what_leaves_makes_room() -> None:
    old = dataclasses.replace(CONFIG, contexts=4)
    with pytest.raises(OutOfMemory):
        fit_to_memory(CONFIG, "refuse", planner=plan, budgets=ram(16))
    assert fit_in_place_of(old, CONFIG, "refuse", planner=plan, budgets=ram(16)) == (CONFIG, "")
    with pytest.raises(OutOfMemory, match=r"needs 95\.0 MiB .* RAM leaves 94\.0 MiB"):
        fit_in_place_of(old, CONFIG, "refuse", planner=plan, budgets=ram(15))
    fitted, _ = fit_in_place_of(old, CONFIG, "auto", planner=plan, budgets=ram(15))
    assert fitted.contexts == 7


def test_what_leaves_makes_no_room_in_another_address_space() -> None:
    old = dataclasses.replace(CONFIG, contexts=4)
    limit = Budget("address space", 16 * MIB + RESERVED_BYTES, 2**40, counts_virtual=True)
    fit_in_place_of(old, CONFIG, "refuse", planner=plan, budgets=[limit])
    another = dataclasses.replace(limit, is_of_another=True)
    with pytest.raises(OutOfMemory):
        fit_in_place_of(old, CONFIG, "refuse", planner=plan, budgets=[another])


def test_a_gpu_gets_back_what_the_old_model_took() -> None:
    def on_gpu(config: EngineConfig) -> MemoryPlan:
        return plan(config, gpu_free=24 * MIB)  # of 48

    with pytest.raises(OutOfMemory):
        fit_to_memory(CONFIG, "refuse", planner=on_gpu, budgets=ram(1000))
    old = dataclasses.replace(CONFIG, contexts=3)
    fit_in_place_of(old, CONFIG, "refuse", planner=on_gpu, budgets=ram(1000))
    with pytest.raises(OutOfMemory):  # no more than there is
        double = dataclasses.replace(CONFIG, contexts=16)
        fit_in_place_of(CONFIG, double, "refuse", planner=on_gpu, budgets=ram(1000))
