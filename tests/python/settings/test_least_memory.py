# SPDX-License-Identifier: AGPL-3.0-only
"""The arithmetic bound on memory: never above llama.cpp's own plan, and asked before it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, NoReturn

import pytest

import models
from sentiric_llama.engine.memory import fit
from sentiric_llama.engine.memory.fit import fit_in_place_of, fit_to_memory
from sentiric_llama.engine.memory.plan import DevicePlan, MemoryPlan, least_plan, plan_memory
from sentiric_llama.errors import OutOfMemory
from sentiric_llama.host.machine import Budget
from sentiric_llama.models.least_memory import PLAIN, WINDOWED, least_memory
from sentiric_llama.types import EngineConfig

GIB = 2**30
SOURCES = Path(__file__).parents[3] / "vendor" / "llama.cpp" / "src"
NOT_PLAIN = re.compile(
    r"swa|recr|nextn|kv_lora|is_mla|n_layer_kv|ssm|shared_kv|TENSOR_SKIP\b|indexer", re.IGNORECASE
)


def never(_: EngineConfig) -> NoReturn:
    raise AssertionError("the native planner was asked")


def ram(gib: float) -> list[Budget]:
    return [Budget("RAM", int(gib * GIB), int(gib * GIB))]


def config(name: str, **options: Any) -> EngineConfig:
    values: dict[str, Any] = {"contexts": 2, "context_size": 1024, "gpu_layers": 0}
    return EngineConfig(str(models.model(name)), **(values | options))


PLANNED: dict[str, dict[str, Any]] = {
    "as it is": {},
    "odd numbers": {"contexts": 7, "context_size": 1000},
    "as it was trained": {"context_size": 0},
    "two types": {"cache_type_k": "q8_0", "cache_type_v": "f32", "flash_attention": "off"},
    "one buffer": {"kv_layout": "unified", "contexts": 4, "kv_cells": 2000},
}
CASES = [
    *((name, how) for name in ("tiny-q8_0", "wide-f16", "llama3-q8_0") for how in PLANNED),
    *((name, "as it is") for name in ("tiny-f16", "tiny-q4_0", "deep-q8_0", "mamba-q8_0")),
]


@pytest.mark.parametrize(("name", "how"), CASES)
def test_the_bound_is_below_the_plan(name: str, how: str) -> None:
    check_bound(name, PLANNED[how])


def test_the_bound_of_what_is_far_too_large() -> None:
    """This plan is drawn through two smaller ones, and takes a core for a second."""
    check_bound("tiny-q8_0", {"contexts": 256, "context_size": 2**17})
    quantised = {"cache_type_k": "q4_0", "cache_type_v": "q4_0", "flash_attention": "on"}
    check_bound("tiny-q8_0", quantised)


def check_bound(name: str, options: dict[str, Any]) -> None:
    wanted = config(name, **options)
    least, plan = least_memory(wanted), plan_memory(wanted)
    assert least is not None
    host = plan.devices[-1]
    assert 0 < least.weights <= host.weights and least.notes <= host.compute
    assert least.cache <= host.cache
    assert (least.context_size, least.context_train) == (plan.context_size, plan.context_train)
    if name != "mamba-q8_0":
        assert least.cache == host.cache, "for a plain model it is no estimate"
        assert least.weights > 0.9 * host.weights


def test_what_cannot_fit_is_refused_without_native_code() -> None:
    """178 GiB were laid out for seconds; the numbers are told all the same."""
    wanted = config("tiny-q8_0", contexts=256, context_size=2**17)
    for mode in ("refuse", "auto"):
        tiny = ram(0.001)
        with pytest.raises(OutOfMemory) as caught:
            fit_to_memory(
                wanted, mode, planner=never, budgets=ram(64) if mode == "refuse" else tiny
            )
        number = r"\d+\.\d+ (?:MiB|GiB)"
        assert re.search(
            rf"host needs at least {number} \(weights {number}, cache 64\.00 GiB, compute "
            rf"{number}, engine {number}\), but RAM leaves {number} of {number}; "
            r"(?:even .* not; )?256 contexts of 131072 tokens",
            str(caught.value),
        ), caught.value


def test_layers_that_may_lie_on_a_gpu_change_nothing_without_one() -> None:
    wanted = config("tiny-q8_0", contexts=256, context_size=2**17, gpu_layers=-1)
    if fit.gpu_bytes():
        pytest.skip("this machine has one")
    with pytest.raises(OutOfMemory, match="RAM leaves"):
        fit_to_memory(wanted, "refuse", planner=never, budgets=ram(60))


def test_not_even_without_what_is_loaded() -> None:
    wanted = config("tiny-q8_0", contexts=256, context_size=2**17)
    with pytest.raises(OutOfMemory, match="needs at least"):
        fit_in_place_of(config("tiny-q8_0"), wanted, "refuse", planner=never, budgets=ram(60))


def test_fitting_asks_for_plans_that_may_fit_alone() -> None:
    asked: list[EngineConfig] = []

    def planner(wanted: EngineConfig) -> MemoryPlan:
        asked.append(wanted)
        return plan_memory(wanted)

    wanted = config("tiny-q8_0", contexts=256, context_size=2**17)
    fitted, _ = fit_to_memory(wanted, "auto", planner=planner, budgets=ram(2))
    assert fitted.contexts < 16 and not plan_memory(fitted).devices[-1].needed > 2 * GIB
    for one in asked:
        least = least_plan(one)
        assert least is not None and least.devices[-1].needed < 2 * GIB


def test_what_may_fit_is_planned() -> None:
    asked: list[EngineConfig] = []

    def planner(wanted: EngineConfig) -> MemoryPlan:
        asked.append(wanted)
        return MemoryPlan(2, 1024, 8192, (DevicePlan("host", 1, 1, 1, 0, 0),))

    wanted = config("tiny-q8_0")
    assert fit_to_memory(wanted, "refuse", planner=planner, budgets=ram(1)) == (wanted, "")
    assert asked == [wanted]


def test_a_gpu_may_take_what_the_host_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "gpu_bytes", lambda _devices: 80 * GIB)
    wanted = config("tiny-q8_0", contexts=256, context_size=2**17, gpu_layers=-1)
    enough = MemoryPlan(256, 2**17, 8192, (DevicePlan("host", 1, 1, 1, 0, 0),))
    assert fit_to_memory(wanted, "refuse", planner=lambda _: enough, budgets=ram(1)) == (wanted, "")
    on_the_cpu = dataclasses.replace(wanted, gpu_layers=0)
    with pytest.raises(OutOfMemory):
        fit_to_memory(on_the_cpu, "refuse", planner=never, budgets=ram(1))


def test_a_file_that_is_no_model_is_left_to_those_who_say_why(tmp_path: Path) -> None:
    broken = tmp_path / "x.gguf"
    broken.write_bytes(b"no model")
    assert least_memory(EngineConfig(str(broken))) is None
    assert least_memory(EngineConfig(str(tmp_path / "none.gguf"))) is None
    assert least_memory(config("tiny-q8_0", contexts=2**20, context_size=2**20)) is None
    assert least_memory(config("tiny-q8_0", cache_type_k="q2_k")) is None


# The tables against the library's sources


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """Name of an architecture -> the source of its model."""
    if not SOURCES.exists():
        pytest.skip("llama.cpp is not unpacked here")
    names = dict(
        re.findall(r'\{ (LLM_ARCH_\w+),\s+"([^"]+)"', (SOURCES / "llama-arch.cpp").read_text())
    )
    made = (SOURCES / "llama-model.cpp").read_text()
    kinds = re.findall(r"case (LLM_ARCH_\w+):\s*\n\s*return new (llama_model_\w+)", made)
    texts = [path.read_text() for path in (SOURCES / "models").glob("*.cpp")]
    return {
        names[arch]: next(
            text for text in texts if re.search(rf"void {kind}::load_arch_hparams", text)
        )
        for arch, kind in kinds
        if arch in names and any(f"void {kind}::load_arch_hparams" in text for text in texts)
    }


def test_plain_models_are_plain(files: dict[str, str]) -> None:
    """A new version of the library that changes one of them fails here, not on a machine."""
    assert files.keys() >= PLAIN, PLAIN - files.keys()
    for name in sorted(PLAIN):
        assert not (found := NOT_PLAIN.search(files[name])), (name, found)
    memory = (SOURCES / "llama-model.cpp").read_text()
    memory = memory[memory.index("llama_model::create_memory") :]
    special = memory[: memory.index("default:")]
    names = dict(
        re.findall(r'\{ (LLM_ARCH_\w+),\s+"([^"]+)"', (SOURCES / "llama-arch.cpp").read_text())
    )
    own = {names[arch] for arch in re.findall(r"case (LLM_ARCH_\w+):", special)}
    assert not own & (PLAIN | WINDOWED.keys()), "they have a memory of their own"


def test_windowed_models_have_these_patterns(files: dict[str, str]) -> None:
    for name, period in WINDOWED.items():
        assert re.findall(r"load_swa_pattern\(ml, (\d+)\)", files[name]) == [str(period)], name
