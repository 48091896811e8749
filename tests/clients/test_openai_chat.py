# SPDX-License-Identifier: AGPL-3.0-only
"""openai-python over chat completions: whole and streamed, tools, typed answers, asyncio."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from clients.conftest import Seen
from clients.forms import ADA, CHAT_TOOL, HELLO, PLACE, REPEATED, Person, hello
from clients.server import Server


@pytest.fixture
def client(server: Server) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.v1, api_key="none", max_retries=0)


def test_whole(client: openai.OpenAI, seen: Seen) -> None:
    made = client.chat.completions.create(model="gpt-5", messages=HELLO)
    assert made.choices[0].message.content == REPEATED
    assert made.choices[0].finish_reason == "stop"
    assert made.usage and made.usage.completion_tokens
    assert seen.paths == ["/v1/chat/completions"]
    assert [(m["role"], m["content"]) for m in seen.asked[0]["messages"]] == [
        ("user", "Hello there")
    ]


def test_chunks(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == REPEATED
    assert chunks[-1].usage and chunks[-1].usage.total_tokens


def test_stream_helper(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="m", messages=HELLO) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content == REPEATED


@pytest.mark.parametrize("streamed", [False, True])
def test_parse(client: openai.OpenAI, seen: Seen, streamed: bool) -> None:
    fields: Any = {"model": "m", "messages": HELLO, "response_format": Person}
    if streamed:
        with client.chat.completions.stream(**fields) as stream:
            made: Any = stream.until_done().get_final_completion()
    else:
        made = client.chat.completions.parse(**fields)
    assert made.choices[0].message.parsed == ADA
    assert seen.bodies[0]["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize("choice", ["auto", "required", "named"])
def test_tool_loop(client: openai.OpenAI, seen: Seen, choice: str) -> None:
    named: Any = {"type": "function", "function": {"name": "get_weather"}}
    messages = hello()
    fields: Any = {"model": "m", "messages": messages, "tools": [CHAT_TOOL]}
    made = client.chat.completions.create(
        **fields, tool_choice=named if choice == "named" else choice
    )
    message = made.choices[0].message
    assert made.choices[0].finish_reason == "tool_calls" and message.tool_calls
    call = message.tool_calls[0]
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "20 degrees"}]
    made = client.chat.completions.create(**fields)
    assert made.choices[0].message.content == "Done: 20 degrees"
    told = seen.asked[1]["messages"]
    assert told[1]["tool_calls"][0]["id"] == told[2]["tool_call_id"] == call.id
    assert seen.asked[1]["tools"] == ["get_weather"]


@pytest.mark.parametrize("streamed", [False, True])
def test_custom_tool_loop(client: openai.OpenAI, seen: Seen, streamed: bool) -> None:
    messages = hello()
    tool = {"type": "custom", "custom": {"name": "patch", "description": "Patches."}}
    fields: Any = {"model": "m", "messages": messages, "tools": [tool]}
    if streamed:
        parts = [
            part
            for chunk in client.chat.completions.create(**fields, stream=True)
            for part in chunk.choices[0].delta.tool_calls or ()
        ]
        text = "".join(part.custom["input"] for part in parts)  # type: ignore[attr-defined]
        assert (text, parts[0].type) == ("text", "custom")
    message = client.chat.completions.create(**fields).choices[0].message
    (call,) = message.tool_calls or ()
    assert call.type == "custom" and (call.custom.name, call.custom.input) == ("patch", "text")
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "patched"}]
    made = client.chat.completions.create(**fields)
    assert made.choices[0].message.content == "Done: patched"
    assert seen.asked[-1]["messages"][1]["tool_calls"][0]["id"] == call.id


def test_streamed_tool_loop(client: openai.OpenAI) -> None:
    messages = hello()
    fields: Any = {"model": "m", "messages": messages, "tools": [CHAT_TOOL]}
    with client.chat.completions.stream(**fields) as stream:
        message = stream.until_done().get_final_completion().choices[0].message
    assert message.tool_calls and message.tool_calls[0].function.parsed_arguments == PLACE
    messages += [message]
    messages += [{"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "warm"}]
    with client.chat.completions.stream(**fields) as stream:
        final = stream.until_done().get_final_completion()
    assert final.choices[0].message.content == "Done: warm"


def test_parallel_calls(client: openai.OpenAI, seen: Seen) -> None:
    script = 'CALL get_weather {"city": "Ankara"}\nAND CALL get_weather {"city": "İzmir"}'
    messages: Any = [{"role": "user", "content": script}]
    fields: Any = {"model": "m", "messages": messages, "tools": [CHAT_TOOL]}
    with client.chat.completions.stream(**fields) as stream:
        message = stream.until_done().get_final_completion().choices[0].message
    calls = message.tool_calls or []
    assert [call.function.parsed_arguments for call in calls] == [PLACE, {"city": "İzmir"}]
    results = [{"role": "tool", "tool_call_id": c.id, "content": c.id} for c in reversed(calls)]
    messages += [message, *results]
    client.chat.completions.create(**fields)
    ids = [m["tool_call_id"] for m in seen.asked[1]["messages"] if m["role"] == "tool"]
    assert set(ids) == {call.id for call in calls}


def test_asyncio(server: Server) -> None:
    async def both() -> tuple[Any, str]:
        async with openai.AsyncOpenAI(base_url=server.v1, api_key="none", max_retries=0) as client:
            parsed = client.chat.completions.parse(
                model="m", messages=HELLO, response_format=Person
            )
            async with client.chat.completions.stream(model="m", messages=HELLO) as stream:
                text = "".join([e.delta async for e in stream if e.type == "content.delta"])
            return (await parsed).choices[0].message.parsed, text

    assert asyncio.run(both()) == (ADA, REPEATED)


def test_models_and_embeddings(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["scripted"]
    made = client.embeddings.create(model="m", input=["a", "b"])
    assert [len(each.embedding) for each in made.data] == [8, 8]
