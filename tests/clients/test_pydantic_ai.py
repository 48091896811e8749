# SPDX-License-Identifier: AGPL-3.0-only
"""pydantic-ai over both of OpenAI's protocols: texts, streams, tools, typed outputs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from clients.conftest import Seen
from clients.forms import ADA, REPEATED, WARM, Person, weather
from clients.server import Server

Model = OpenAIChatModel | OpenAIResponsesModel


def get_weather(city: str) -> str:
    """The weather of a city."""
    return weather(city)


@pytest.fixture(params=[OpenAIChatModel, OpenAIResponsesModel], ids=["chat", "responses"])
def model(server: Server, request: Any) -> Model:
    made: Model = request.param("m", provider=OpenAIProvider(base_url=server.v1, api_key="none"))
    return made


def test_text(model: Model) -> None:
    assert Agent(model).run_sync("Hello there").output == REPEATED


def test_stream(model: Model) -> None:
    async def streamed() -> str:
        async with Agent(model).run_stream("Hello there") as run:
            return [part async for part in run.stream_text()][-1]

    assert asyncio.run(streamed()) == REPEATED


def test_tool_loop_and_another_question(model: Model, seen: Seen) -> None:
    agent = Agent(model, instructions="Be brief.", tools=[get_weather])
    result = agent.run_sync("Weather?")
    assert result.output == WARM
    again = agent.run_sync("Weather?", message_history=result.all_messages())
    assert again.output == WARM
    roles = [message["role"] for message in seen.asked[3]["messages"]]
    assert roles == ["system", *(["user", "assistant", "tool", "assistant"] * 2)[:-1]]


@pytest.mark.parametrize("wrap", [None, ToolOutput, NativeOutput])
def test_typed_output(model: Model, wrap: Any) -> None:
    agent: Any = Agent(model, output_type=wrap(Person) if wrap else Person, retries=0)
    assert agent.run_sync("Who?").output == ADA


def test_typed_output_behind_a_tool(model: Model, seen: Seen) -> None:
    agent = Agent(model, output_type=Person, retries=0, tools=[get_weather])
    script = 'CALL get_weather {"city": "Ankara"}\nCALL final_result ' + ADA.model_dump_json()
    assert agent.run_sync(script).output == ADA
    assert sorted(seen.asked[0]["tools"]) == ["final_result", "get_weather"]
