# SPDX-License-Identifier: AGPL-3.0-only
"""Finds out how the model of an engine writes its answers, by rendering its chat template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sentiric_llama.engine.formats.find import PROBE, PROBE_TOOL
from sentiric_llama.engine.formats.model_format import QUESTION, ModelFormat
from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.errors import TemplateFailed
from sentiric_llama.types.wishes import Wishes


async def find_model_format(engine: AsyncEngineProtocol) -> ModelFormat:
    """The format of the engine's model. A template that fails has none of its own."""
    try:
        probe = await engine.render_chat(PROBE, tools=(PROBE_TOOL,))
    except TemplateFailed:
        probe = ""
    return ModelFormat(engine.info, probe)


async def learn_opening(
    engine: AsyncEngineProtocol, form: ModelFormat, given: Mapping[str, Any], wishes: Wishes
) -> None:
    """Finds out whether the template opens a thought with these arguments, if it is not known."""
    arguments = form.template_arguments(given, wishes)
    if form.remembered(arguments) is None:
        rendered = await engine.render_chat(QUESTION, template_arguments=arguments)
        form.remember(arguments, rendered)
