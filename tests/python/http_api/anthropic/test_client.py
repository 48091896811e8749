# SPDX-License-Identifier: AGPL-3.0-only
"""The official `anthropic` package, with no extra header, against a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import anthropic
import pytest
from anthropic.types import Message

from messages_client import TOOL, ThinkingEngine, called
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import (
    ContextLengthExceeded,
    DeadlineExceeded,
    InternalError,
    Overloaded,
    Unavailable,
)
from sentiric_llama.types import Request

USER: Any = [{"role": "user", "content": "merhaba"}]
TOOLS: Any = [TOOL]
ASKED: dict[str, Any] = {"model": "fake-model", "max_tokens": 400, "messages": USER}


def client_for(server: Any, **options: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=server.url, **({"api_key": "none", "max_retries": 0} | options)
    )


def test_whole(server: Any) -> None:
    with client_for(server) as client:
        message = client.messages.create(**ASKED, system="Be brief.")
    assert isinstance(message, Message) and message.id.startswith("msg_")
    (block,) = message.content
    assert block.type == "text" and block.text == "You said: merhaba"
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 17)
    assert message._request_id


def test_stream_of_events(server: Any) -> None:
    with client_for(server) as client:
        events = list(client.messages.create(**ASKED, stream=True))
    assert events[0].type == "message_start" and events[-1].type == "message_stop"
    texts = [
        e.delta.text
        for e in events
        if e.type == "content_block_delta" and e.delta.type == "text_delta"
    ]
    assert "".join(texts) == "You said: merhaba"


def test_stream_helper(start: Any) -> None:
    text = f"<think>hm</think>Let me see.{called('weather', '{}')}"
    server = start(lambda: ThinkingEngine(text))
    with (
        client_for(server) as client,
        client.messages.stream(**ASKED, tools=TOOLS, thinking={"type": "adaptive"}) as stream,
    ):
        assert "".join(stream.text_stream) == "Let me see."
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text", "tool_use"]
    assert final.stop_reason == "tool_use"
    assert final.usage.output_tokens == len(text) and final.usage.input_tokens > 0


def weather_reply(request: Request) -> str:
    """Calls the tool, then says what it answered."""
    last = request.messages[-1].content
    if "tool_response" in last:
        return f"It is {last.split()[1]}."
    return f"<think>I must look.</think>{called('weather', json.dumps({'city': 'Bursa'}))}"


@pytest.mark.parametrize("stream", [False, True])
def test_a_loop_of_tools(start: Any, stream: bool) -> None:
    server = start(lambda: ThinkingEngine(weather_reply))
    messages: list[Any] = list(USER)
    with client_for(server) as client:
        for _ in range(3):
            answer = ask(client, stream, messages)
            messages.append({"role": "assistant", "content": answer.content})
            calls = [block for block in answer.content if block.type == "tool_use"]
            if not calls:
                break
            assert calls[0].input == {"city": "Bursa"}
            results = [
                {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
                for call in calls
            ]
            messages.append({"role": "user", "content": results})
    assert answer.stop_reason == "end_turn" and answer.content[-1].text == "It is sunny."
    sent = server.engine.requests[-1].messages
    assert next(m.reasoning for m in sent if m.role == "assistant") == "I must look."


def ask(client: anthropic.Anthropic, stream: bool, messages: list[Any]) -> Any:
    fields: Any = ASKED | {
        "messages": messages,
        "tools": TOOLS,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    if not stream:
        return client.messages.create(**fields)
    with client.messages.stream(**fields) as events:
        return events.get_final_message()


def test_thinking(start: Any) -> None:
    server = start(lambda: ThinkingEngine("<think>Hm.</think>\n\n42"))
    with client_for(server) as client:
        fields: Any = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
        thought, text = client.messages.create(**ASKED, **fields).content
    assert thought.type == "thinking" and thought.thinking == "Hm." and thought.signature == ""
    assert text.type == "text" and text.text == "42"
    (limit,) = {request.thinking for request in server.engine.requests}
    assert limit is not None and limit.max_tokens == 1024


def test_structured_output(server: Any) -> None:
    from pydantic import BaseModel

    class Answer(BaseModel):
        answer: str

    with client_for(server) as client:
        parsed = client.messages.parse(**ASKED, output_format=Answer)
    assert parsed.parsed_output == Answer(answer="yes")
    assert server.engine.requests[-1].grammar.kind == "json_schema"


def test_count_tokens(server: Any) -> None:
    with client_for(server) as client:
        count = client.messages.count_tokens(model="fake-model", messages=USER, system="Be brief.")
    assert count.input_tokens == len("merhaba" + "Be brief.")


def test_models(server: Any) -> None:
    with client_for(server) as client:
        (model,) = client.models.list()
        assert (model.id, model.type, model.display_name) == ("fake-model", "model", "fake-model")
        assert client.models.retrieve("alias").created_at.year == 1970


def test_the_first_request_of_agents(server: Any) -> None:
    reply = server.request("HEAD", "/")
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (Overloaded("full"), anthropic.RateLimitError, 429),
        (Unavailable("closed"), anthropic.InternalServerError, 529),
        (DeadlineExceeded("late"), anthropic.InternalServerError, 504),
        (InternalError("bug"), anthropic.InternalServerError, 500),
        (ContextLengthExceeded("long"), anthropic.BadRequestError, 400),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_of_the_engine(start: Any, error: Any, kind: Any, status: int, stream: bool) -> None:
    server = start(lambda: FakeEngine(fail=error))
    with client_for(server) as client, pytest.raises(kind) as caught:
        client.messages.create(**ASKED, stream=stream)
    assert caught.value.status_code == status and caught.value.request_id


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda c: c.messages.create(**ASKED | {"model": "gpt-4o"}), anthropic.NotFoundError),
        (lambda c: c.messages.create(**ASKED, extra_body={"top_p": 3}), anthropic.BadRequestError),
        (lambda c: c.messages.batches.list(), anthropic.NotFoundError),
    ],
)
def test_errors_before_any_engine(
    server: Any, call: Callable[[anthropic.Anthropic], Any], kind: Any
) -> None:
    with client_for(server) as client, pytest.raises(kind) as caught:
        call(client)
    assert caught.value.body["type"] == "error"


def test_an_error_in_the_middle_of_a_stream(start: Any) -> None:
    server = start(lambda: FakeEngine(fail=InternalError("bug"), fail_after=4, delay_s=0.002))
    got = ""
    with (
        client_for(server) as client,
        pytest.raises(anthropic.APIStatusError, match="bug"),
        client.messages.stream(**ASKED) as stream,
    ):
        for text in stream.text_stream:
            got += text
    assert got == "You "


def test_both_kinds_of_keys(start: Any) -> None:
    server = start(api_key="right")
    with (
        client_for(server, api_key="wrong") as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.messages.create(**ASKED)
    for options in ({"api_key": "right"}, {"api_key": None, "auth_token": "right"}):
        with client_for(server, **options) as client:
            assert client.messages.create(**ASKED).stop_reason == "end_turn"


def test_clients_repeat_what_may_succeed_later(start: Any) -> None:
    asked: list[Request] = []

    def fails_once(request: Request) -> str:
        asked.append(request)
        if len(asked) == 1:
            raise Unavailable("not now")
        return "back"

    server = start(lambda: FakeEngine(fails_once))
    with client_for(server, max_retries=1) as client:
        assert client.messages.create(**ASKED).content[0].text == "back"
    assert len(asked) == 2


def test_async(start: Any) -> None:
    server = start(lambda: FakeEngine(contexts=8))

    async def one(client: anthropic.AsyncAnthropic, index: int) -> str:
        messages: Any = [{"role": "user", "content": f"client {index}"}]
        async with client.messages.stream(**ASKED | {"messages": messages}) as stream:
            return await stream.get_final_text()

    async def all_of_them() -> list[str]:
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key="x") as client:
            return await asyncio.gather(*(one(client, index) for index in range(8)))

    assert asyncio.run(all_of_them()) == [f"You said: client {index}" for index in range(8)]
