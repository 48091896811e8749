# SPDX-License-Identifier: AGPL-3.0-only
"""openai-python over responses: whole and streamed, tools, typed answers, thoughts, asyncio."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest

from clients.conftest import Seen
from clients.forms import ADA, HELLO, PLACE, REPEATED, RESPONSES_TOOL, Person, hello
from clients.server import Server


@pytest.fixture
def client(server: Server) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.v1, api_key="none", max_retries=0)


def test_whole(client: openai.OpenAI, seen: Seen) -> None:
    made = client.responses.create(model="m", input="Hello there", instructions="Be brief.")
    assert made.output_text == REPEATED and made.status == "completed"
    assert made.usage and made.usage.total_tokens
    assert [(m["role"], m["content"]) for m in seen.asked[0]["messages"]] == [
        ("system", "Be brief."),
        ("user", "Hello there"),
    ]


def test_stream(client: openai.OpenAI) -> None:
    with client.responses.stream(model="m", input=HELLO) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert final.output_text == REPEATED
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    assert [event.sequence_number for event in events] == list(range(len(events)))


@pytest.mark.parametrize("streamed", [False, True])
def test_parse(client: openai.OpenAI, streamed: bool) -> None:
    if streamed:
        with client.responses.stream(model="m", input="Who?", text_format=Person) as stream:
            made: Any = stream.until_done().get_final_response()
    else:
        made = client.responses.parse(model="m", input="Who?", text_format=Person)
    assert made.output_parsed == ADA


@pytest.mark.parametrize("streamed", [False, True])
def test_tool_loop(client: openai.OpenAI, seen: Seen, streamed: bool) -> None:
    items = hello()
    fields: Any = {"model": "m", "input": items, "tools": [RESPONSES_TOOL]}
    for _turn in range(2):
        if streamed:
            with client.responses.stream(**fields) as stream:
                made: Any = stream.until_done().get_final_response()
        else:
            made = client.responses.create(**fields)
        items += made.output
        calls = [item for item in made.output if item.type == "function_call"]
        assert all(json.loads(call.arguments) == PLACE for call in calls)
        output = {"type": "function_call_output", "output": "warm"}
        items += [output | {"call_id": call.call_id} for call in calls]
    assert made.output_text == "Done: warm"
    assert seen.asked[1]["messages"][-1]["content"] == "warm"


@pytest.mark.parametrize("summary", ["auto", None])
@pytest.mark.parametrize("streamed", [False, True])
def test_thoughts_come_back(
    client: openai.OpenAI, seen: Seen, summary: Any, streamed: bool
) -> None:
    asked: Any = {
        "model": "m",
        "input": "Hello there",
        "reasoning": {"effort": "high", "summary": summary},
        "include": ["reasoning.encrypted_content"],
    }
    if streamed:
        with client.responses.stream(**asked) as stream:
            made: Any = stream.until_done().get_final_response()
    else:
        made = client.responses.create(**asked)
    thought, message = made.output
    assert (thought.type, message.type) == ("reasoning", "message")
    (part,) = thought.summary if summary else thought.content
    assert part.text == "I think about it." and thought.encrypted_content
    again = client.responses.create(model="m", input=[*HELLO, *made.output, *HELLO])
    assert again.output_text == REPEATED
    assert seen.asked[1]["messages"][1]["reasoning"] == "I think about it."


def test_asyncio(server: Server) -> None:
    async def both() -> tuple[Any, str]:
        async with openai.AsyncOpenAI(base_url=server.v1, api_key="none", max_retries=0) as client:
            parsed = await client.responses.parse(model="m", input="Who?", text_format=Person)
            async with client.responses.stream(model="m", input=HELLO) as stream:
                final = await (await stream.until_done()).get_final_response()
            return parsed.output_parsed, final.output_text

    assert asyncio.run(both()) == (ADA, REPEATED)


@pytest.mark.refusals
def test_nothing_is_stored(client: openai.OpenAI) -> None:
    first = client.responses.create(model="m", input="Hello")
    with pytest.raises(openai.BadRequestError, match="previous_response_id"):
        client.responses.create(model="m", input="Again", previous_response_id=first.id)
    with pytest.raises(openai.BadRequestError, match="store"):
        client.responses.create(model="m", input="Again", store=True)
