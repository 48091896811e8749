# SPDX-License-Identifier: AGPL-3.0-only
"""`plan [MODEL]`: what `serve` with the same words would need, and whether it is there."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sentiric_llama.commands._settings import add_model, add_settings, settings_of
from sentiric_llama.commands.parser import Parser
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say, say_error

if TYPE_CHECKING:
    from sentiric_llama.engine.memory.plan import MemoryPlan
    from sentiric_llama.host.machine import Budget

EXAMPLES = """\
  {program} plan ./model.gguf --contexts 4 --context-size 4096
  {program} plan org/repo:Q8_0 --cache-type-k q8_0 --cache-type-v q8_0 --flash-attention on
"""
DOES_NOT_FIT = 8
"""The exit code of an error for lack of memory, which a start would end with."""


def add_arguments(parser: Parser) -> None:
    """MODEL and the settings."""
    parser.epilog = EXAMPLES
    add_model(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the needs by device and what bounds them. Exits with 8 when they do not fit."""
    from sentiric_llama.checkup.model import DRAFT_FIX, DRAFT_LEFT_OUT
    from sentiric_llama.engine.memory.fit import plan_as_json, shortages
    from sentiric_llama.engine.memory.plan import leaves_draft_out, plan_memory
    from sentiric_llama.host.machine import memory_budgets
    from sentiric_llama.models import find_model
    from sentiric_llama.service.models.loader import engine_config

    settings = settings_of(arguments)
    model = find_model(settings)
    config = engine_config(settings, model)
    plan = plan_memory(config)
    budgets = memory_budgets()
    short = shortages(plan, budgets)
    if terminal.as_json:
        terminal.answer_json({"model": str(model.path), **plan_as_json(plan, budgets)})
        return DOES_NOT_FIT if short else 0
    show(terminal, plan, budgets)
    if leaves_draft_out(plan, config):
        terminal.note(f"{say(DRAFT_LEFT_OUT)}; {say(DRAFT_FIX)}")
    for item in short:
        terminal.note(say("does not fit: {reason}", reason=say_error(str(item))))
    if not short:
        terminal.answer(say("it fits"))
    return DOES_NOT_FIT if short else 0


def show(terminal: Terminal, plan: MemoryPlan, budgets: list[Budget]) -> None:
    """Two tables: what is needed where, and what is free under which bound."""
    from sentiric_llama.host.sizes import human_bytes

    header = ("device", "weights", "KV cache", "compute", "process", "total", "free")
    terminal.answer_table([say(word) for word in header], device_rows(plan, budgets))
    text = "{contexts} contexts of {size} tokens, up to {each} of KV cache each"
    each = human_bytes(plan.cache_per_context)
    terminal.answer(say(text, contexts=plan.contexts, size=plan.context_size, each=each))
    terminal.answer(say("The KV cache and the compute buffers are upper bounds: memory that no "
                        "conversation has filled yet is not in use."))  # fmt: skip
    terminal.answer_table([say("bound"), say("free"), say("of")], bound_rows(plan, budgets))


def device_rows(plan: MemoryPlan, budgets: list[Budget]) -> Iterator[list[str]]:
    """One for each device, in binary units. The tightest bound says what the host has free."""
    from sentiric_llama.engine.memory.fit import total_bytes
    from sentiric_llama.host.sizes import human_bytes

    *gpus, host = plan.devices
    frees = [human_bytes(gpu.free) if gpu.total else "–" for gpu in gpus]
    frees.append(human_bytes(budgets[0].free if budgets else host.free))
    for device, free in zip(plan.devices, frees, strict=True):
        parts = (device.weights, device.cache, device.compute)
        total = total_bytes(plan, device)
        own = human_bytes(total - device.needed) if total > device.needed else "–"
        yield [device.name, *map(human_bytes, parts), own, human_bytes(total), free]


def bound_rows(plan: MemoryPlan, budgets: list[Budget]) -> Iterator[list[str]]:
    """The memory of each GPU that says what it has, and what bounds the host."""
    from sentiric_llama.host.sizes import human_bytes

    gpus = [(gpu.name, gpu.free, gpu.total) for gpu in plan.devices[:-1] if gpu.total]
    for name, free, total in (*gpus, *((item.name, item.free, item.total) for item in budgets)):
        yield [name, human_bytes(free), human_bytes(total)]
