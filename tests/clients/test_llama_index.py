# SPDX-License-Identifier: AGPL-3.0-only
"""llama-index, over its model for servers like OpenAI's."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike

from clients.conftest import Seen
from clients.forms import ADA, PLACE, REPEATED, WARM, Person, weather
from clients.server import Server


def get_weather(city: str) -> str:
    """The weather of a city."""
    return weather(city)


@pytest.fixture
def model(server: Server) -> OpenAILike:
    return OpenAILike(
        model="m",
        api_base=server.v1,
        api_key="none",
        is_chat_model=True,
        is_function_calling_model=True,
        context_window=8192,
        max_retries=0,
    )


def test_whole_and_streamed(model: OpenAILike) -> None:
    hello = [ChatMessage("Hello there")]
    assert model.chat(hello).message.content == REPEATED
    assert "".join(part.delta or "" for part in model.stream_chat(hello)) == REPEATED
    assert model.complete("Hello there").text == REPEATED


def test_tool(model: OpenAILike) -> None:
    made = model.chat_with_tools([FunctionTool.from_defaults(get_weather)], "Weather?")
    assert [call.tool_kwargs for call in model.get_tool_calls_from_response(made)] == [PLACE]


def test_typed_answer(model: OpenAILike) -> None:
    assert model.as_structured_llm(Person).complete("Who?").raw == ADA


def test_agent(model: OpenAILike, seen: Seen) -> None:
    async def run() -> str:
        agent = FunctionAgent(tools=[get_weather], llm=model, system_prompt="Be brief.")
        return str(await agent.run("Weather?"))

    assert asyncio.run(run()) == WARM
    assert [m["role"] for m in seen.asked[1]["messages"]] == ["system", "user", "assistant", "tool"]
