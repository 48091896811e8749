# SPDX-License-Identifier: AGPL-3.0-only
"""Counting is what the call itself would evaluate, under both contracts."""

from __future__ import annotations

from typing import Any

import pytest

from messages_client import TOOL, USER
from sentiric_llama.errors import ContextLengthExceeded, TemplateFailed

USE = {"type": "tool_use", "id": "t", "name": "weather", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "sunny"}
BODIES: list[dict[str, Any]] = [
    {"messages": USER},
    {"messages": USER, "system": "Be brief."},
    {"messages": USER, "tools": [TOOL], "tool_choice": {"type": "any"}},
    {"messages": [*USER, {"role": "assistant", "content": "So"}], "thinking": {"type": "adaptive"}},
    {
        "messages": [
            *USER,
            {"role": "assistant", "content": [USE]},
            {"role": "user", "content": [RESULT]},
        ],
        "tools": [TOOL],
    },
]


@pytest.mark.parametrize("body", BODIES)
def test_it_is_what_the_call_evaluates(server: Any, body: dict[str, Any]) -> None:
    before = len(server.engine.requests)
    reply = server.post("/v1/messages/count_tokens?beta=true", body)
    assert reply.status == 200 and len(server.engine.requests) == before
    assert reply.json.keys() == {"input_tokens"}
    usage = server.post("/v1/messages", body).json["usage"]
    assert usage["input_tokens"] == reply.json["input_tokens"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"system_prompt": "Be brief.", "rag_context": "facts"},
        {"tools": [{"type": "function", "function": {"name": "now"}}]},
    ],
)
def test_openai_counts_the_same_way(server: Any, fields: dict[str, Any]) -> None:
    body = {"messages": USER, **fields}
    reply = server.post("/v1/chat/completions/input_tokens", body)
    told = server.post("/v1/chat/completions", body).json["usage"]["prompt_tokens"]
    assert reply.json == {"object": "response.input_tokens", "input_tokens": told}


def test_how_the_engine_is_asked(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    async def tokenize_chat(messages: Any, **options: Any) -> list[int]:
        seen.update(options, messages=messages)
        return [1] * 9000

    monkeypatch.setattr(server.engine, "tokenize_chat", tokenize_chat)
    messages = [*USER, {"role": "assistant", "content": "So"}]
    reply = server.post("/v1/messages/count_tokens", {"messages": messages, "system": "S"})
    assert reply.json == {"input_tokens": 9000}, "longer than the context, and still counted"
    assert [m.role for m in seen.pop("messages")] == ["system", "user", "assistant"]
    assert seen == {"tools": (), "template_arguments": "", "continues": True}


def test_ignored_fields_are_named(server: Any) -> None:
    body = {"messages": USER, "speed": "fast", "tools": [{"type": "bash_1"}]}
    headers = server.post("/v1/messages/count_tokens", body).headers
    assert (headers["x-ignored-fields"], headers["x-ignored-tools"]) == ("speed", "bash_1")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/messages/count_tokens", 404), ("/v1/chat/completions/input_tokens", 404)],
)
def test_another_model(server: Any, path: str, status: int) -> None:
    assert server.post(path, {"messages": USER, "model": "gpt-4o"}).status == status
    for name in ("alias", "default", None):
        assert server.post(path, {"messages": USER, "model": name}).status == 200


LONG = (
    "request (5 tokens) exceeds the available context size (5 tokens); the maximum context length "
    "is 5 tokens, of which a prompt may take 4"
)


def test_errors(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/v1/messages/count_tokens"
    reply = server.post(path, {"messages": USER, "temperature": 3})
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")
    for error, text in (
        (TemplateFailed("no system messages"), "no system messages"),
        (ContextLengthExceeded(LONG), "prompt is too long: 5 tokens"),
    ):

        async def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(server.engine, "tokenize_chat", fail)
        reply = server.post(path, {"messages": USER})
        assert reply.status == 400 and text in reply.error["message"]
