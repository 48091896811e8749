# SPDX-License-Identifier: AGPL-3.0-only
"""litellm, with the prefixes of all three protocols."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import litellm
import pytest

from clients.conftest import Seen
from clients.forms import ADA, CHAT_TOOL, HELLO, REPEATED, Person, hello
from clients.server import Server

PATHS = {
    "openai": "/v1/chat/completions",
    "hosted_vllm": "/v1/chat/completions",
    "openai/responses": "/v1/responses",
    "anthropic": "/v1/messages",
}


@pytest.fixture(params=PATHS)
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fields(server: Server, prefix: str) -> Iterator[dict[str, Any]]:
    base = server.url if prefix == "anthropic" else server.v1
    yield {"model": f"{prefix}/m", "api_base": base, "api_key": "none", "num_retries": 0}
    gc.collect()  # it leaves streams open, and httpcore may deadlock when they go later


def test_whole_and_streamed(fields: dict[str, Any], seen: Seen, prefix: str) -> None:
    made = litellm.completion(messages=HELLO, **fields)
    assert made.choices[0].message.content == REPEATED
    parts = litellm.completion(messages=HELLO, stream=True, **fields)
    assert "".join(part.choices[0].delta.content or "" for part in parts) == REPEATED
    assert seen.paths == [PATHS[prefix]] * 2


@pytest.mark.parametrize("streamed", [False, True])
def test_tool_loop(fields: dict[str, Any], streamed: bool) -> None:
    messages = hello()
    for _turn in range(2):
        made = litellm.completion(messages=messages, tools=[CHAT_TOOL], stream=streamed, **fields)
        if streamed:
            made = litellm.stream_chunk_builder(list(made), messages=messages)
        message = made.choices[0].message
        messages.append(message)
        for call in message.tool_calls or ():
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "warm"})
    assert message.content == "Done: warm"


def test_typed_answer(fields: dict[str, Any]) -> None:
    made = litellm.completion(messages=HELLO, response_format=Person, **fields)
    assert Person.model_validate_json(made.choices[0].message.content) == ADA


def test_thoughts(fields: dict[str, Any], prefix: str) -> None:
    given: dict[str, Any] = {"reasoning_effort": "low"}
    if prefix == "openai/responses":  # of which it reads summaries only
        given = {"reasoning_effort": {"effort": "low", "summary": "auto"}}
    if prefix == "anthropic":  # it refuses these itself for models that it does not know
        given = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
        given["allowed_openai_params"] = ["thinking"]
    made = litellm.completion(messages=HELLO, max_tokens=4000, **given, **fields)
    assert made.choices[0].message.content == REPEATED
    assert made.choices[0].message.reasoning_content.strip() == "I think about it."


def test_responses(server: Server, seen: Seen) -> None:
    fields: Any = {"api_base": server.v1, "api_key": "none"}
    made: Any = litellm.responses(model="openai/m", input="Hello there", **fields)
    assert made.output[-1].content[0].text == REPEATED
    assert seen.paths == ["/v1/responses"]
