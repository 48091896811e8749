# SPDX-License-Identifier: AGPL-3.0-only
"""langchain-openai, over chat completions and over responses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from clients.conftest import Seen
from clients.forms import ADA, PLACE, REPEATED, WARM, Person, weather
from clients.server import Server

get_weather = tool("get_weather", description="The weather of a city.")(weather)


@pytest.fixture(params=[False, True], ids=["chat", "responses"])
def model(server: Server, request: Any) -> ChatOpenAI:
    options: Any = {"base_url": server.v1, "api_key": "none", "max_retries": 0}
    return ChatOpenAI(model="m", use_responses_api=request.param, **options)


def test_whole_and_streamed(model: ChatOpenAI, seen: Seen) -> None:
    assert model.invoke("Hello there").text == REPEATED
    assert "".join(part.text for part in model.stream("Hello there")) == REPEATED
    path = "/v1/responses" if model.use_responses_api else "/v1/chat/completions"
    assert seen.paths == [path, path]


def test_asyncio(model: ChatOpenAI) -> None:
    async def streamed() -> str:
        return "".join([part.text async for part in model.astream("Hello there")])

    assert asyncio.run(streamed()) == REPEATED


@pytest.mark.parametrize("streamed", [False, True])
def test_tool_loop(model: ChatOpenAI, seen: Seen, streamed: bool) -> None:
    bound = model.bind_tools([get_weather])
    messages: list[Any] = [HumanMessage("Weather?")]
    for _turn in range(2):
        if streamed:
            first, *others = bound.stream(messages)
            made: Any = sum(others, start=first)
        else:
            made = bound.invoke(messages)
        messages.append(made)
        messages += [get_weather.invoke(call) for call in made.tool_calls]
    assert made.text == WARM
    assert [m["role"] for m in seen.asked[1]["messages"]] == ["user", "assistant", "tool"]


@pytest.mark.parametrize("choice", ["any", "get_weather", True])
def test_forced_choice(model: ChatOpenAI, choice: Any) -> None:
    made = model.bind_tools([get_weather], tool_choice=choice).invoke("Weather?")
    assert made.tool_calls[0]["args"] == PLACE


@pytest.mark.parametrize("fields", [{}, {"method": "function_calling"}], ids=["default", "tool"])
def test_structured_output(model: ChatOpenAI, fields: Any) -> None:
    assert model.with_structured_output(Person, **fields).invoke("Who?") == ADA
    assert list(model.with_structured_output(Person, **fields).stream("Who?"))[-1] == ADA


def test_strict_tools_beside_a_form(model: ChatOpenAI) -> None:
    bound = model.bind_tools([get_weather], strict=True, response_format=Person)
    made = bound.invoke("Weather?")
    messages: list[Any] = [HumanMessage("Weather?"), made]
    messages += [get_weather.invoke(call) for call in made.tool_calls]
    assert len(messages) == 3
    assert Person.model_validate_json(bound.invoke(messages).text) == ADA
