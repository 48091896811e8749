# SPDX-License-Identifier: AGPL-3.0-only
"""A field that works on one route is never silently missed on another."""

from __future__ import annotations

from typing import Any

import pytest

from sentiric_llama.http.anthropic.body import MessagesBody
from sentiric_llama.http.responses.body import ELSEWHERE, STATEFUL, ResponsesBody
from sentiric_llama.http.schemas.body import Body, _effective
from sentiric_llama.http.schemas.chat import ChatBody
from sentiric_llama.http.schemas.generation import GenerationFields
from sentiric_llama.http.schemas.reasoning import ReasoningFields
from sentiric_llama.http.schemas.sampling import SamplingFields
from sentiric_llama.http.schemas.tools import ToolFields
from sentiric_llama.http.texts.completions_body import CompletionsBody
from sentiric_llama.service.request_fields import KNOWN

USER = [{"role": "user", "content": "a"}]
ROUTES: dict[str, tuple[type[Body], dict[str, Any]]] = {
    "/v1/chat/completions": (ChatBody, {"messages": USER}),
    "/v1/completions": (CompletionsBody, {"prompt": "a"}),
    "/v1/responses": (ResponsesBody, {"input": "a"}),
    "/v1/messages": (MessagesBody, {"messages": USER, "max_tokens": 9}),
}
REFUSED = {
    "/v1/chat/completions": {
        "best_of": 4,
        "echo": True,
        "suffix": "x",
        "chat_template": "{{ messages }}",
        "prompt_logprobs": 1,
        "samplers": ["top_k"],
        "reasoning": {"effort": "none"},
        "enable_thinking": False,
    },
    "/v1/completions": {
        "tools": [{"type": "function"}],
        "messages": USER,
        "max_completion_tokens": 5,
        "reasoning_effort": "high",
        "top_logprobs": 2,
    },
    "/v1/responses": {
        "n": 2,
        "logprobs": True,
        "system_prompt": "x",
        "n_predict": 3,
        "best_of": 2,
    },
    "/v1/messages": {
        "mcp_servers": [{"url": "x"}],
        "container": "c",
        "seed": 1,
        "min_tokens": 1,
        "stop": ["x"],
    },
}


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path, fields in REFUSED.items() for name in fields]
)
def test_a_field_without_a_place_is_refused(server: Any, path: str, name: str) -> None:
    body = ROUTES[path][1] | {name: REFUSED[path][name]}
    before = len(server.engine.requests)
    reply = server.post(path, body)
    assert reply.status == 400 and f"[{name}]" in reply.error["message"]
    assert len(server.engine.requests) == before


@pytest.mark.parametrize("path", ROUTES)
def test_values_that_ask_for_nothing_are_taken(server: Any, path: str) -> None:
    kind, body = ROUTES[path]
    elsewhere = {*ELSEWHERE, *STATEFUL} if kind is ResponsesBody else set()
    own = set(kind.model_fields) | elsewhere
    for name, neutral in KNOWN.items():
        for value in (*neutral, None) if name not in own else ():
            reply = server.post(path, body | {name: value})
            assert reply.status == 200, (name, value, reply.error)
            assert "x-ignored-fields" not in reply.headers


def test_every_field_beyond_sampling_is_known() -> None:
    fields = {*GenerationFields.model_fields, *ToolFields.model_fields}
    fields |= {*ReasoningFields.model_fields, *ChatBody.model_fields}
    everywhere = {"model", "stream", "stream_options", "priority", "truncation", "max_tokens"}
    grammar = {name for name in fields if "guided" in name or name in GRAMMAR}
    missing = fields - SamplingFields.model_fields.keys() - everywhere - grammar - KNOWN.keys()
    assert missing == {"parallel_tool_calls", "prediction"}  # which change no answer


GRAMMAR = {"response_format", "json_schema", "grammar", "structured_outputs", "format"}


@pytest.mark.parametrize("path", ["/v1/responses"])
def test_rules_about_tokens_are_obeyed(server: Any, path: str) -> None:
    fields = {
        "min_tokens": 2,
        "stop_token_ids": [5],
        "allowed_token_ids": [97],
        "bad_words": ["b"],
        "repetition_limit": 128,
        "ignore_eos": True,
    }
    reply = server.post(path, {"input": "a", **fields})
    assert reply.status == 200 and "x-ignored-fields" not in reply.headers
    request = server.engine.requests[-1]
    assert (request.min_tokens, tuple(request.stop_tokens)) == (2, (5,))
    assert tuple(request.sampling.allowed_tokens) == (97,)
    assert (request.repetition_limit, request.ignore_eos) == (128, True)
    assert list(request.bad_words[0]) == [98]


def test_nothing_that_is_refused_is_unknown() -> None:
    for kind, _ in ROUTES.values():
        assert _effective(kind) >= KNOWN.keys() - kind.without_effect
