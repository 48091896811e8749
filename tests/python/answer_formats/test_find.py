# SPDX-License-Identifier: AGPL-3.0-only
"""The format of a model is found from what its own template renders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import models
from sentiric_llama import AsyncEngine, EngineConfig
from sentiric_llama.engine.formats.model_format import ModelFormat, Tail
from sentiric_llama.engine.prompt.template_probe import find_model_format, learn_opening
from sentiric_llama.types import Message, Tool, ToolCall
from sentiric_llama.types.wishes import Wishes

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
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B": ("deepseek", "<think>"),
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": ("deepseek", "<think>"),
    "deepseek-ai-DeepSeek-V3.1": ("deepseek-v3.1", "<think>"),
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


@asynccontextmanager
async def engine_with(template: Path) -> AsyncIterator[AsyncEngine]:
    config = EngineConfig(
        str(models.model("marks-q8_0")),
        contexts=1,
        context_size=512,
        compute_threads=1,
        chat_template=template.read_text("utf-8"),
    )
    async with await AsyncEngine.open(config) as engine:
        yield engine


async def format_of(template: Path) -> ModelFormat:
    async with engine_with(template) as engine:
        return await find_model_format(engine)


@pytest.mark.parametrize("name", KNOWN)
def test_known_models(name: str) -> None:
    form = asyncio.run(format_of(TEMPLATES / f"{name}.jinja"))
    begin = form.form.thoughts.begin if form.thinks else ""
    assert (form.form.calls.name, begin) == KNOWN[name]


ASKED, SAID = Message("user", "Hava nasıl?"), Message("assistant", "Güneşli.")
NOTED = Message("system", "Answer briefly.")
CALLED = Message("assistant", "", tool_calls=(ToolCall("call00001", "weather", "{}"),))
TOLD = Message("tool", "sunny", tool_call_id="call00001", name="weather")
CONVERSATIONS = (
    (ASKED,),
    (ASKED, NOTED),
    (ASKED, SAID),
    (ASKED, SAID, NOTED),
    (NOTED, ASKED, SAID, ASKED),
    (ASKED, CALLED, TOLD),
    (ASKED, CALLED, TOLD, NOTED),
)


@pytest.mark.parametrize("thinks", [True, False])
@pytest.mark.parametrize(
    "name", ["deepseek-ai-DeepSeek-V3.1", "deepseek-ai-DeepSeek-V3.2", "Qwen-Qwen3-0.6B"]
)
def test_whether_a_thought_is_open_is_learned_from_the_end_of_the_conversation(
    name: str, thinks: bool
) -> None:
    async def main() -> None:
        async with engine_with(TEMPLATES / f"{name}.jinja") as engine:
            form = await find_model_format(engine)
            wishes = Wishes(thinks=thinks)
            arguments = form.template_arguments({}, wishes)
            for messages in CONVERSATIONS:
                learned = await learn_opening(engine, form, {}, wishes, Tail.of(messages))
                shown = form.form.describe(messages, ())
                prompt = await engine.render_chat(shown, template_arguments=arguments)
                assert learned == prompt.rstrip().endswith("<think>"), messages

    asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("deepseek-ai-DeepSeek-V3.1", "<function><｜tool▁sep｜>{<arguments>}"),
        ("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "<function>\n```json\n{<arguments>}\n```"),
    ],
)
def test_a_template_that_describes_no_tools_gets_them_in_its_own_format(
    name: str, example: str
) -> None:
    tool = Tool("weather", "Says how it is.", '{"type":"object"}')

    async def main() -> None:
        async with engine_with(TEMPLATES / f"{name}.jinja") as engine:
            form = (await find_model_format(engine)).form
            assert not form.calls.in_template
            for messages in ((ASKED, CALLED, TOLD), (NOTED, ASKED)):
                prompt = await engine.render_chat(form.describe(messages, (tool,)))
                assert '"name": "weather", "description": "Says how it is."' in prompt
                assert f"<｜tool▁calls▁begin｜>{form.calls.before_name}{example}" in prompt
            called = await engine.render_chat(form.describe((ASKED, CALLED, TOLD), (tool,)))
            assert form.calls.recognises(called, "weather")
            assert list(form.describe((ASKED, CALLED), ())) == [ASKED, CALLED]

    asyncio.run(main())
