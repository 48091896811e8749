# SPDX-License-Identifier: AGPL-3.0-only
"""openai-agents: its runner over responses, which is its default, and over chat completions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
)
from openai import AsyncOpenAI
from openai.types.shared import Reasoning

from clients.conftest import Seen
from clients.forms import ADA, WARM, Person, weather
from clients.server import Server


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return weather(city)


@pytest.fixture(
    params=[OpenAIResponsesModel, OpenAIChatCompletionsModel], ids=["responses", "chat"]
)
def model(server: Server, request: Any) -> Any:
    client = AsyncOpenAI(base_url=server.v1, api_key="none", max_retries=0)
    return request.param(model="m", openai_client=client)


def test_tool_loop_and_another_question(model: Any, seen: Seen) -> None:
    agent = Agent(name="A", instructions="Be brief.", tools=[get_weather], model=model)
    result = Runner.run_sync(agent, "Weather?")
    assert result.final_output == WARM
    more = [*result.to_input_list(), {"role": "user", "content": "Weather?"}]
    assert Runner.run_sync(agent, more).final_output == WARM
    assert len(seen.asked) == 4
    assert seen.asked[0]["messages"][0]["content"] == "Be brief."


def test_stream(model: Any) -> None:
    async def streamed() -> Any:
        agent = Agent(name="A", tools=[get_weather], model=model)
        run = Runner.run_streamed(agent, "Weather?")
        kinds = {event.type async for event in run.stream_events()}
        assert kinds == {
            "raw_response_event",
            "run_item_stream_event",
            "agent_updated_stream_event",
        }
        return run.final_output

    assert asyncio.run(streamed()) == WARM


@pytest.mark.parametrize("tools", [[], [get_weather]], ids=["alone", "behind a tool"])
def test_typed_output(model: Any, tools: Any) -> None:
    agent = Agent(name="A", output_type=Person, tools=tools, model=model)
    assert Runner.run_sync(agent, "Who?").final_output == ADA


def test_handoff(model: Any, seen: Seen) -> None:
    other = Agent(name="Other", model=model)
    agent = Agent(name="A", handoffs=[other], model=model)
    assert Runner.run_sync(agent, "CALL transfer_to_other {}").last_agent.name == "Other"
    assert [each["tools"] for each in seen.asked] == [["transfer_to_other"], []]


def test_settings(model: Any) -> None:
    settings = ModelSettings(
        temperature=0.1,
        parallel_tool_calls=True,
        tool_choice="required",
        reasoning=Reasoning(effort="low"),
        verbosity="low",
    )
    agent = Agent(name="A", tools=[get_weather], model=model, model_settings=settings)
    assert Runner.run_sync(agent, "Weather?").final_output == WARM
