# SPDX-License-Identifier: AGPL-3.0-only
"""smolagents: an agent that calls tools, over OpenAI's client and over litellm."""

from __future__ import annotations

from typing import Any

import pytest
from smolagents import LiteLLMModel, OpenAIServerModel, ToolCallingAgent, tool

from clients.conftest import Seen
from clients.forms import weather
from clients.server import Server

SCRIPT = 'CALL get_weather {"city": "Ankara"}\nCALL final_answer {"answer": "warm"}'


@tool
def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: Where.
    """
    return weather(city)


def run(model: Any, streamed: bool = False) -> Any:
    agent = ToolCallingAgent(
        [get_weather], model, stream_outputs=streamed, verbosity_level=0, max_steps=5
    )
    return agent.run(SCRIPT)


@pytest.mark.parametrize("streamed", [False, True])
def test_agent(server: Server, seen: Seen, streamed: bool) -> None:
    assert run(OpenAIServerModel("m", api_base=server.v1, api_key="none"), streamed) == "warm"
    assert [sorted(each["tools"]) for each in seen.asked] == [["final_answer", "get_weather"]] * 2
    assert "Ankara is warm" in seen.asked[1]["messages"][-1]["content"]


def test_litellm(server: Server) -> None:
    assert run(LiteLLMModel("openai/m", api_base=server.v1, api_key="none")) == "warm"
