# SPDX-License-Identifier: AGPL-3.0-only
"""The official `openai` package against `/v1/responses` of a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from responses_calls import CUSTOM, NAMESPACE, ThinkingEngine, call
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import ContextLengthExceeded, InternalError, Overloaded

MODEL = "fake-model"


class Answer(BaseModel):
    answer: str


class Look(BaseModel):
    """Looks somewhere."""

    where: str


LOOK: Any = openai.pydantic_function_tool(Look, name="look")
FLAT: Any = {"type": "function", **LOOK["function"]}


def client_for(server: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


@pytest.fixture
def client(server: Any) -> Iterator[openai.OpenAI]:
    with client_for(server) as made:
        yield made


@pytest.fixture
def caller(start: Any) -> Iterator[openai.OpenAI]:
    """A model that thinks, speaks and calls a function."""
    text = "<think>hm</think>I look." + call("look", {"where": "up"})
    with client_for(start(lambda: ThinkingEngine(text))) as made:
        yield made


def test_create(client: openai.OpenAI) -> None:
    response = client.responses.create(
        model=MODEL, input="merhaba", instructions="be kind", metadata={"a": "b"}
    )
    assert response.output_text == "You said: merhaba"
    assert response.status == "completed" and response.error is None
    assert response.usage and response.usage.output_tokens == 17
    assert response.usage.input_tokens_details.cached_tokens == 0
    assert (response.instructions, response.metadata) == ("be kind", {"a": "b"})
    assert response.tool_choice == "auto" and response.tools == []
    message = response.output[0]
    assert message.type == "message" and message.status == "completed"


def test_the_answer_is_what_the_types_of_the_package_say(caller: openai.OpenAI) -> None:
    raw = caller.responses.with_raw_response.create(model=MODEL, input="a", tools=[FLAT])
    response = openai.types.responses.Response.model_validate_json(raw.http_response.text)
    assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]


def test_create_as_a_stream(client: openai.OpenAI) -> None:
    stream = client.responses.create(model=MODEL, input="merhaba", stream=True)
    events = list(stream)
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == "You said: merhaba"
    last = events[-1]
    assert last.type == "response.completed" and last.response.output_text == text


def test_the_helper_for_streams(caller: openai.OpenAI) -> None:
    with caller.responses.stream(model=MODEL, input="a", tools=[FLAT]) as stream:
        events = list(stream)
        final = stream.get_final_response()
    snapshots = [e.snapshot for e in events if e.type == "response.function_call_arguments.delta"]
    assert json.loads(snapshots[-1]) == {"where": "up"}
    assert final.output_text == "I look."
    thought, _, called = final.output
    assert thought.type == "reasoning" and thought.content and thought.content[0].text == "hm"
    assert called.type == "function_call" and called.name == "look"


def test_parse_text(client: openai.OpenAI, server: Any) -> None:
    response = client.responses.parse(model=MODEL, input="a", text_format=Answer)
    assert response.output_parsed == Answer(answer="yes")
    sent = json.loads(server.engine.requests[-1].grammar.text)
    assert sent["properties"]["answer"]["type"] == "string"


def test_parse_tools(caller: openai.OpenAI) -> None:
    response = caller.responses.parse(model=MODEL, input="a", tools=[LOOK])
    called = response.output[-1]
    assert called.type == "function_call" and called.parsed_arguments == Look(where="up")


def test_stream_and_parse(client: openai.OpenAI) -> None:
    with client.responses.stream(model=MODEL, input="a", text_format=Answer) as stream:
        stream.until_done()
        assert stream.get_final_response().output_parsed == Answer(answer="yes")


def test_a_round_of_tools(start: Any) -> None:
    def reply(request: Any) -> str:
        last = request.messages[-1].content
        return f"It is {last}" if "sky" in last else call("look", {"where": "up"})

    with client_for(start(lambda: FakeEngine(reply))) as client:
        items: list[Any] = [{"role": "user", "content": "what is up?"}]
        first = client.responses.create(model=MODEL, input=items, tools=[FLAT])
        (called,) = first.output
        assert called.type == "function_call" and json.loads(called.arguments) == {"where": "up"}
        items += [item.model_dump(exclude_none=True) for item in first.output]
        result = {"type": "function_call_output", "call_id": called.call_id, "output": "sky"}
        second = client.responses.create(model=MODEL, input=[*items, result], tools=[FLAT])
        assert second.output_text == "It is <tool_response>\nsky\n</tool_response>"


def test_custom_and_grouped_tools(start: Any) -> None:
    text = call("patch", {"input": "a\nb"}) + call("crm__note", {"input": "c"})
    tools: Any = [CUSTOM, NAMESPACE | {"tools": NAMESPACE["tools"][:2]}]
    with (
        client_for(start(lambda: FakeEngine(text))) as client,
        client.responses.stream(model=MODEL, input="a", tools=tools) as stream,
    ):
        deltas = [e.delta for e in stream if e.type == "response.custom_tool_call_input.delta"]
        first, second = stream.get_final_response().output
    assert "".join(deltas) == "a\nbc"
    assert first.type == second.type == "custom_tool_call"
    assert (first.name, first.input) == ("patch", "a\nb")
    assert (second.name, second.namespace, second.input) == ("note", "crm", "c")


def test_what_is_not_stored(client: openai.OpenAI) -> None:
    calls: list[Any] = [
        client.responses.retrieve,
        client.responses.delete,
        client.responses.cancel,
        client.responses.input_items.list,
    ]
    for ask in calls:
        with pytest.raises(openai.NotFoundError, match="nothing is stored"):
            ask("resp_1")
    with pytest.raises(openai.BadRequestError, match="send the earlier items") as caught:
        client.responses.create(model=MODEL, input="a", previous_response_id="resp_1")
    assert caught.value.param == "previous_response_id"


def test_an_answer_that_is_cut(client: openai.OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="a", max_output_tokens=3)
    assert response.status == "incomplete" and response.output_text == "You"
    assert response.incomplete_details
    assert response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ContextLengthExceeded("long", where="messages"), openai.BadRequestError),
        (Overloaded("full"), openai.RateLimitError),
        (InternalError("bug"), openai.InternalServerError),
    ],
)
def test_errors(start: Any, error: Any, kind: Any, stream: bool) -> None:
    failing = client_for(start(lambda: FakeEngine(fail=error)))
    with failing as client, pytest.raises(kind) as caught:
        client.responses.create(model=MODEL, input="a", stream=stream)
    assert caught.value.code == error.code.value


def test_a_failure_in_the_middle(start: Any) -> None:
    server = start(lambda: FakeEngine(fail=InternalError("bug"), fail_after=4, delay_s=0.002))
    with client_for(server) as client:
        *_, last = client.responses.create(model=MODEL, input="a", stream=True)
    assert last.type == "response.failed" and last.response.error
    assert last.response.error.code == "server_error"


def test_async_clients(start: Any) -> None:
    server = start(lambda: FakeEngine(delay_s=0.002, contexts=4))

    async def one(client: openai.AsyncOpenAI, index: int) -> str:
        async with client.responses.stream(model=MODEL, input=f"client {index}") as stream:
            return (await stream.get_final_response()).output_text

    async def all_of_them() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x") as client:
            return await asyncio.gather(*(one(client, index) for index in range(4)))

    assert asyncio.run(all_of_them()) == [f"You said: client {index}" for index in range(4)]
    assert server.engine.most_active > 1


def test_closing_a_stream_cancels(start: Any) -> None:
    server = start(lambda: FakeEngine(delay_s=0.05))
    with client_for(server) as client:
        stream = client.responses.create(model=MODEL, input="a", stream=True)
        next(iter(stream))
        stream.close()
        for _ in range(500):
            if server.engine.stats().requests_cancelled:
                break
            asyncio.run(asyncio.sleep(0.01))
    assert server.engine.stats().requests_cancelled == 1
