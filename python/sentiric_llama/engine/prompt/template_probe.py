# SPDX-License-Identifier: AGPL-3.0-only
"""Finds out how the model of an engine writes its answers, by rendering its chat template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Unpack

from sentiric_llama.engine.formats.find import PROBE, PROBE_TOOL
from sentiric_llama.engine.formats.model_format import USUAL, ModelFormat, Tail
from sentiric_llama.engine.prompt.conversation import ChatPrompt, RenderOptions
from sentiric_llama.errors import TemplateFailed
from sentiric_llama.types import ModelInfo
from sentiric_llama.types.wishes import Wishes


class Renders(Protocol):
    """What this needs of an engine."""

    @property
    def info(self) -> ModelInfo: ...

    async def render_chat(self, messages: ChatPrompt, **options: Unpack[RenderOptions]) -> str: ...


async def find_model_format(engine: Renders) -> ModelFormat:
    """The format of the engine's model. A template that fails has none of its own."""
    try:
        probe = await engine.render_chat(PROBE, tools=(PROBE_TOOL,))
    except TemplateFailed:
        probe = ""
    return ModelFormat(engine.info, probe)


async def learn_opening(
    engine: Renders,
    form: ModelFormat,
    given: Mapping[str, Any],
    wishes: Wishes,
    tail: Tail = USUAL,
) -> bool:
    """Whether the template opens a thought behind a conversation that ends so."""
    arguments = form.template_arguments(given, wishes)
    known = form.remembered(arguments, tail)
    if known is not None:
        return known
    try:
        rendered = await engine.render_chat(form.question(tail), template_arguments=arguments)
    except TemplateFailed:
        if tail == USUAL:
            raise
        return await learn_opening(engine, form, given, wishes)
    return form.remember(arguments, tail, rendered)
