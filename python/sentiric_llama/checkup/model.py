# SPDX-License-Identifier: AGPL-3.0-only
"""The model that a start would load: is it there, is it one, does it fit."""

from __future__ import annotations

from collections.abc import Iterator

from sentiric_llama.checkup.finding import Finding, ok, problem, warning
from sentiric_llama.checkup.place import of_a_start
from sentiric_llama.engine.memory.fit import shortages, total_bytes
from sentiric_llama.engine.memory.plan import MemoryPlan, leaves_draft_out, plan_memory
from sentiric_llama.errors import ErrorCode, SentiricLlamaError
from sentiric_llama.host.machine import Budget, memory_budgets
from sentiric_llama.host.sizes import human_bytes
from sentiric_llama.models import HubFile, ModelFile, Url, find_model, wanted_draft, wanted_model
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.load import Resolved

DRAFT_LEFT_OUT = "the draft model would not be loaded: on this CPU it could change the output"
DRAFT_FIX = "--speculation draft loads it anyway"


def check_model(resolved: Resolved) -> Iterator[Finding]:
    settings = resolved.settings
    if wrong := of_a_start(resolved, "model"):
        yield from wrong
        return
    if fetched := _fetched(settings):
        text = "{name} is a Hugging Face repository; a start downloads it unless it is cached"
        yield ok("model", text, name=fetched)
        return
    try:
        model = find_model(settings)
    except SentiricLlamaError as error:
        yield problem("model", error.code, "{reason}", reason=error.what)
        return
    size = human_bytes(model.path.stat().st_size)
    yield ok("model", "{path} ({size})", path=model.path, size=size)
    yield from _memory(settings, model)


def _fetched(settings: Settings) -> str:
    """The first model that finding asks the network for; "" when all are here."""
    wanted = {
        settings.model_id: wanted_model(settings),
        settings.draft_model: wanted_draft(settings),
    }
    return next((name for name, it in wanted.items() if isinstance(it, HubFile | Url)), "")


def _memory(settings: Settings, model: ModelFile) -> Iterator[Finding]:
    from sentiric_llama.service.models.loader import engine_config

    config = engine_config(settings, model)
    try:
        plan = plan_memory(config)
    except ImportError:
        return  # said by the check of the engine
    except SentiricLlamaError as error:
        yield problem("memory", error.code, "{reason}", reason=error.what)
        return
    if leaves_draft_out(plan, config):
        yield warning("model", DRAFT_LEFT_OUT, DRAFT_FIX)
    budgets = memory_budgets()
    short = shortages(plan, budgets)
    fix = "fewer --contexts, a smaller --context-size, or --fit auto"
    for item in short:
        if settings.fit == "refuse":
            yield problem("memory", ErrorCode.OUT_OF_MEMORY, "{reason}", fix, reason=item)
        else:
            yield warning("memory", "{reason}", fix, reason=item)
    if not short:
        yield from _room(plan, budgets)


def _room(plan: MemoryPlan, budgets: list[Budget]) -> Iterator[Finding]:
    *gpus, host = plan.devices
    needed = human_bytes(total_bytes(plan, host))
    free = human_bytes(budgets[0].free) if budgets else "?"
    text = "{contexts} contexts of {size} tokens need {needed}; {free} are free"
    facts = {"contexts": plan.contexts, "size": plan.context_size}
    yield ok("memory", text, needed=needed, free=free, **facts)
    text = "{name} needs {needed} for them; {free} of its {total} are free"
    for gpu in gpus:
        sizes = {name: human_bytes(getattr(gpu, name)) for name in ("needed", "free", "total")}
        yield ok("memory", text, name=gpu.name, **sizes)
