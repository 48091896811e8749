# SPDX-License-Identifier: AGPL-3.0-only
"""The official `openai` package, with no extra header, against a real server."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import DeadlineExceeded, InternalError, Overloaded, Unavailable

MESSAGES: Any = [{"role": "user", "content": "merhaba"}]


def client_for(server: Any, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


@pytest.fixture
def client(server: Any) -> Iterator[openai.OpenAI]:
    with client_for(server) as made:
        yield made


def test_whole(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="fake-model", messages=MESSAGES)
    assert answer.choices[0].message.content == "You said: merhaba"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage and answer.usage.completion_tokens == 17
    assert answer.usage.prompt_tokens_details
    assert answer.usage.prompt_tokens_details.cached_tokens == 0


def test_stream(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="fake-model",
        messages=MESSAGES,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "You said: merhaba"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage and chunks[-1].usage.total_tokens == 24
    assert chunks[-2].choices[0].finish_reason == "stop"


def test_stream_helper(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="default", messages=MESSAGES) as stream:
        stream.until_done()
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "You said: merhaba"


def test_n_stop_and_limits(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="fake-model", messages=MESSAGES, n=3, stop=[": "], seed=7, temperature=0
    )
    assert [c.message.content for c in answer.choices] == ["You said"] * 3
    cut = client.chat.completions.create(
        model="fake-model", messages=MESSAGES, max_completion_tokens=3
    )
    assert cut.choices[0].message.content == "You"
    assert cut.choices[0].finish_reason == "length"


@pytest.mark.parametrize("stream", [False, True])
def test_logprobs(client: openai.OpenAI, stream: bool) -> None:
    made = client.chat.completions.create(
        model="fake-model", messages=MESSAGES, logprobs=True, top_logprobs=3, stream=stream
    )
    answers = list(made) if stream else [made]
    logprobs = [a.choices[0].logprobs for a in answers if a.choices and a.choices[0].logprobs]
    tokens = [token for item in logprobs for token in item.content or []]
    assert "".join(token.token for token in tokens) == "You said: merhaba"
    assert all(len(token.top_logprobs) == 3 for token in tokens)
    assert bytes(b for token in tokens for b in token.bytes or []) == b"You said: merhaba"


def test_response_format(client: openai.OpenAI, server: Any) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    answer = client.chat.completions.create(
        model="fake-model",
        messages=MESSAGES,
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
    )
    assert json.loads(answer.choices[0].message.content or "") == {"answer": "yes"}
    assert json.loads(server.engine.requests[-1].grammar.text) == schema
    client.chat.completions.create(
        model="fake-model", messages=MESSAGES, response_format={"type": "json_object"}
    )
    assert server.engine.requests[-1].grammar.kind == "json_object"


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["fake-model"]
    assert client.models.retrieve("fake-model").owned_by == "system"


def test_errors_before_any_engine(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert missing.value.code == "model_not_found" and missing.value.param == "model"
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model="fake-model", messages=MESSAGES, temperature=3)
    assert bad.value.param == "temperature" and "0..2" in bad.value.message
    with pytest.raises(openai.NotFoundError):
        client.images.generate(model="fake-model", prompt="x")


def test_wrong_key(start: Any) -> None:
    server = start(api_key="right")
    with client_for(server, "wrong") as client, pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(model="fake-model", messages=MESSAGES)
    with client_for(server, "right") as client:
        client.chat.completions.create(model="fake-model", messages=MESSAGES)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Overloaded("full"), openai.RateLimitError),
        (Unavailable("closed"), openai.InternalServerError),
        (DeadlineExceeded("late"), openai.InternalServerError),
        (InternalError("bug"), openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_engine_errors(start: Any, error: Any, kind: Any, stream: bool) -> None:
    server = start(lambda: FakeEngine(fail=error))
    with client_for(server) as client, pytest.raises(kind) as caught:
        client.chat.completions.create(model="fake-model", messages=MESSAGES, stream=stream)
    assert caught.value.status_code == error.mapping.http


def test_error_in_the_middle_of_a_stream(start: Any) -> None:
    server = start(lambda: FakeEngine(fail=InternalError("bug"), fail_after=4, delay_s=0.002))
    got = ""
    with client_for(server) as client, pytest.raises(openai.APIError):
        stream = client.chat.completions.create(model="fake-model", messages=MESSAGES, stream=True)
        for chunk in stream:
            got += chunk.choices[0].delta.content or ""
    assert got == "You "


def test_closing_a_stream_cancels(start: Any) -> None:
    server = start(lambda: FakeEngine(delay_s=0.05))
    with client_for(server) as client:
        stream = client.chat.completions.create(model="fake-model", messages=MESSAGES, stream=True)
        next(iter(stream))
        stream.close()
        for _ in range(500):
            if server.engine.active == 0:
                break
            time.sleep(0.01)
    assert server.engine.active == 0 and server.engine.stats().requests_cancelled == 1


def test_eight_async_clients_interleave(start: Any) -> None:
    server = start(lambda: FakeEngine(first_delay_s=1, delay_s=0.005, contexts=8))
    order: list[int] = []

    async def one(client: openai.AsyncOpenAI, index: int) -> str:
        text = ""
        stream = await client.chat.completions.create(
            model="fake-model",
            messages=[{"role": "user", "content": f"client {index}"}],
            stream=True,
        )
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""
            order.append(index)
        return text

    async def all_of_them() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x") as client:
            return await asyncio.gather(*(one(client, index) for index in range(8)))

    assert asyncio.run(all_of_them()) == [f"You said: client {index}" for index in range(8)]
    switches = sum(a != b for a, b in itertools.pairwise(order))
    assert server.engine.most_active == 8 and switches > 8
