# SPDX-License-Identifier: AGPL-3.0-only
"""anthropic-python: messages whole and streamed, tools, thoughts, counts, typed answers."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import pytest

from clients.conftest import Seen
from clients.forms import ADA, HELLO, MESSAGES_TOOL, PLACE, REPEATED, WARM, Person, hello, weather
from clients.server import Server

MODEL: Any = {"model": "scripted", "max_tokens": 4000}


@pytest.fixture
def client(server: Server) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)


def test_whole(client: anthropic.Anthropic, seen: Seen) -> None:
    made = client.messages.create(**MODEL, messages=HELLO, system="Be brief.")
    assert [block.to_dict() for block in made.content] == [{"type": "text", "text": REPEATED}]
    assert made.stop_reason == "end_turn" and made.usage.input_tokens
    assert [(m["role"], m["content"]) for m in seen.asked[0]["messages"]] == [
        ("system", "Be brief."),
        ("user", "Hello there"),
    ]


def test_stream(client: anthropic.Anthropic) -> None:
    with client.messages.stream(**MODEL, messages=HELLO) as stream:
        assert "".join(stream.text_stream) == REPEATED
        assert stream.get_final_message().usage.output_tokens == len(REPEATED)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("thinks", [False, True])
def test_tool_loop(client: anthropic.Anthropic, seen: Seen, streamed: bool, thinks: bool) -> None:
    messages = hello()
    fields: Any = {**MODEL, "messages": messages, "tools": [MESSAGES_TOOL]}
    if thinks:
        fields["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    for _turn in range(2):
        if streamed:
            with client.messages.stream(**fields) as stream:
                made: Any = stream.get_final_message()
        else:
            made = client.messages.create(**fields)
        assert (made.content[0].type == "thinking") == thinks
        messages.append({"role": "assistant", "content": made.content})
        calls = [block for block in made.content if block.type == "tool_use"]
        result = {"type": "tool_result", "content": "warm"}
        results = [result | {"tool_use_id": call.id} for call in calls]
        messages.append({"role": "user", "content": results})
    assert made.content[-1].text == "Done: warm" and made.stop_reason == "end_turn"
    assert seen.asked[1]["messages"][1]["tool_calls"][0]["name"] == "get_weather"


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_forced_choice(client: anthropic.Anthropic, choice: Any) -> None:
    fields: Any = {"tools": [MESSAGES_TOOL], "tool_choice": choice}
    made = client.messages.create(**MODEL, messages=HELLO, **fields)
    assert made.stop_reason == "tool_use"
    assert [block.input for block in made.content if block.type == "tool_use"] == [PLACE]


def test_failed_tool(client: anthropic.Anthropic, seen: Seen) -> None:
    messages = hello()
    made = client.messages.create(**MODEL, messages=messages, tools=[MESSAGES_TOOL])
    (call,) = (block for block in made.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "no net", "is_error": True}
    messages += [{"role": "assistant", "content": made.content}]
    messages += [{"role": "user", "content": [result]}]
    client.messages.create(**MODEL, messages=messages, tools=[MESSAGES_TOOL])
    assert seen.asked[1]["messages"][-1]["content"] == "Error: no net"


def test_adaptive_thinking(client: anthropic.Anthropic, seen: Seen) -> None:
    made = client.messages.create(**MODEL, messages=HELLO, thinking={"type": "adaptive"})
    assert [block.type for block in made.content] == ["thinking", "text"]
    again: Any = [*HELLO, {"role": "assistant", "content": made.content}, *HELLO]
    client.messages.create(**MODEL, messages=again)
    assert seen.asked[1]["messages"][1]["content"] == REPEATED


def test_count(client: anthropic.Anthropic, seen: Seen) -> None:
    plain = client.messages.count_tokens(model="m", messages=HELLO)
    with_tools = client.messages.count_tokens(model="m", messages=HELLO, tools=[MESSAGES_TOOL])
    assert 0 < plain.input_tokens < with_tools.input_tokens
    assert seen.paths == ["/v1/messages/count_tokens"] * 2 and not seen.asked


def test_parse(client: anthropic.Anthropic) -> None:
    made = client.messages.parse(**MODEL, messages=HELLO, output_format=Person)
    assert made.parsed_output == ADA


@pytest.mark.refusals  # it asks for a thread first, and goes on without
def test_tool_runner(client: anthropic.Anthropic, seen: Seen) -> None:
    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """The weather of a city.

        Args:
            city: Where.
        """
        return weather(city)

    runner = client.beta.messages.tool_runner(**MODEL, messages=HELLO, tools=[get_weather])
    made = runner.until_done()
    assert [block.to_dict()["text"] for block in made.content] == [WARM]
    refused = [each for each in seen.exchanges if each["status"] >= 400]
    assert [each["answer"]["error"]["details"]["error_code"] for each in refused] == [
        "thread_unsupported_request"
    ]


def test_asyncio(server: Server) -> None:
    async def both() -> tuple[Any, str]:
        options: Any = {"base_url": server.url, "api_key": "none", "max_retries": 0}
        async with anthropic.AsyncAnthropic(**options) as client:
            parsed = await client.messages.parse(**MODEL, messages=HELLO, output_format=Person)
            async with client.messages.stream(**MODEL, messages=HELLO) as stream:
                return parsed.parsed_output, await stream.get_final_text()

    assert asyncio.run(both()) == (ADA, REPEATED)


def test_models(client: anthropic.Anthropic) -> None:
    assert [model.id for model in client.models.list()] == ["scripted"]
