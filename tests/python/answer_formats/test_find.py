# SPDX-License-Identifier: AGPL-3.0-only
"""The format of a model is found from what its own template renders."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import models
from sentiric_llama import AsyncEngine, EngineConfig
from sentiric_llama.engine.formats.model_format import ModelFormat
from sentiric_llama.engine.prompt.template_probe import find_model_format

TEMPLATES = models.VENDORED / "templates"
KNOWN = {
    "Cohere2MoE": ("command-r", "<|START_THINKING|>"),
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": ("command-r", "<|START_THINKING|>"),
    "GLM-4.6": ("glm", "<think>"),
    "GLM-4.7-Flash": ("glm-4.7", "<think>"),
    "Kimi-K2-Instruct": ("kimi", ""),
    "Kimi-K2-Thinking": ("kimi", "<think>"),
    "Mistral-Small-3.2-24B-Instruct-2506": ("mistral-small-3.2", ""),
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use": ("hermes", ""),
    "Qwen-QwQ-32B": ("hermes", "<think>"),
    "Qwen-Qwen2.5-7B-Instruct": ("hermes", ""),
    "Qwen-Qwen3-0.6B": ("hermes", "<think>"),
    "Qwen3-Coder": ("qwen-coder", ""),
    "Qwen3.5-4B": ("qwen-coder", "<think>"),
    "deepseek-ai-DeepSeek-V3.1": ("generic", "<think>"),  # describes no tools
    "deepseek-ai-DeepSeek-V3.2": ("deepseek-v3.2", "<think>"),
    "deepseek-ai-DeepSeek-V4": ("deepseek-v4", "<think>"),
    "google-gemma-2-2b-it": ("generic", ""),
    "google-gemma-4-31B-it": ("gemma-4", "<|channel>thought\n"),
    "llama-cpp-deepseek-r1": ("deepseek", "<think>"),
    "meta-llama-Llama-3.1-8B-Instruct": ("llama-3", ""),
    "meta-llama-Llama-3.3-70B-Instruct": ("llama-3", ""),
    "microsoft-Phi-3.5-mini-instruct": ("generic", ""),
    "mistralai-Ministral-3-14B-Reasoning-2512": ("mistral", "[THINK]"),
    "mistralai-Mistral-Nemo-Instruct-2407": ("mistral-nemo", ""),
    "openai-gpt-oss-120b": ("harmony", "<|channel|>analysis<|message|>"),
    "unsloth-mistral-Devstral-Small-2507": ("mistral", ""),
}
"""Template -> the format of its calls, and what begins a thought."""


async def format_of(template: Path) -> ModelFormat:
    config = EngineConfig(
        str(models.model("marks-q8_0")),
        contexts=1,
        context_size=512,
        compute_threads=1,
        chat_template=template.read_text("utf-8"),
    )
    async with await AsyncEngine.open(config) as engine:
        return await find_model_format(engine)


@pytest.mark.parametrize("name", KNOWN)
def test_known_models(name: str) -> None:
    form = asyncio.run(format_of(TEMPLATES / f"{name}.jinja"))
    begin = form.form.thoughts.begin if form.thinks else ""
    assert (form.form.calls.name, begin) == KNOWN[name]
