# SPDX-License-Identifier: AGPL-3.0-only
"""What the OpenAPI document says of several fields together is what the server checks.

Each body is allowed by the document and accepted, or neither.
"""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sentiric_llama.http.app import api_routes
from sentiric_llama.http.openapi import openapi

DOCUMENT = openapi(api_routes())
CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
COMPLETIONS, EMBEDDINGS = "/v1/completions", "/v1/embeddings"
USER: dict[str, Any] = {"role": "user", "content": "hi"}
FUNCTION = {"type": "function", "function": {"name": "f"}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CUSTOM = {"type": "custom", "custom": {"name": "f"}}
CUSTOM_CALL = {"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}
REGEX = {"syntax": "regex", "definition": "a|b"}
GBNF = 'root ::= "a"'
SCHEMA = {"type": "object"}


def chat(*messages: dict[str, Any], **fields: Any) -> tuple[str, dict[str, Any]]:
    return CHAT, {"messages": list(messages) or [USER], **fields}


def messages(*blocks: Any, role: str = "user", **fields: Any) -> tuple[str, dict[str, Any]]:
    content = list(blocks) or "hi"
    return MESSAGES, {"messages": [{"role": role, "content": content}], **fields}


def responses(*items: Any, **fields: Any) -> tuple[str, dict[str, Any]]:
    return RESPONSES, {"input": [*items, USER], **fields}


def custom(form: dict[str, Any]) -> dict[str, Any]:
    return {"type": "custom", "custom": {"name": "f", "format": form}}


def format_of(kind: str, **fields: Any) -> dict[str, Any]:
    return {"response_format": {"type": kind, **fields}}


ACCEPTED = [
    chat(USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}),
    chat(
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "x", "tool_call_id": "c"},
    ),
    chat({"role": "user", "content": "hi", "tool_calls": []}),
    chat(logprobs=True, top_logprobs=2),
    chat(top_logprobs=None),
    chat(tools=[FUNCTION], tool_choice="required"),
    chat(USER, {"role": "assistant", "content": None, "tool_calls": [CUSTOM_CALL]}),
    chat(tools=[CUSTOM, {"type": "function", "function": {"name": "g"}, "custom": None}]),
    chat(tools=[CUSTOM], tool_choice={"type": "custom", "custom": {"name": "f"}}),
    chat(tools=[custom({"type": "text", "grammar": None})]),
    chat(tools=[custom({"type": "grammar", "grammar": REGEX})]),
    chat(tools=[FUNCTION], grammar=""),
    chat(tools=[], grammar=GBNF),
    chat(structured_outputs={"grammar": GBNF}),
    chat(tools=[FUNCTION], structured_outputs={"regex": "a+"}),
    chat(functions=[]),
    chat(format=""),
    chat(format="json"),
    chat(guided_choice=["a"]),
    chat(logit_bias={"5": 1, "6": False}),
    chat(logit_bias=[[5, -1.5], [6, False]]),
    chat(dry_sequence_breakers=["a"]),
    chat(stop=""),
    chat(**format_of("text")),
    chat(**format_of("json_object", schema=SCHEMA)),
    chat(**format_of("json_schema", json_schema={"schema": SCHEMA})),
    messages({"type": "text", "text": "a"}),
    messages({"type": "tool_use", "id": "t", "name": "f", "input": {}}, role="assistant"),
    messages({"type": "thinking", "thinking": "a"}, role="assistant"),
    messages(tools=[{"name": "f"}], tool_choice={"type": "any"}),
    messages(tools=[{"name": "f", "type": None}], tool_choice={"type": "tool", "name": "f"}),
    messages(tools=[{"type": "web_search_1"}]),
    messages(output_format={"type": "json_schema", "schema": SCHEMA}, output_config={}),
    responses({"role": "user", "content": [{"type": "input_text", "text": "a"}]}),
    responses({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}),
    responses({"type": "reasoning", "summary": []}),
    responses({"type": "zeta"}),
    responses(
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image"}]},
    ),
    responses({"type": "function_call_output", "name": "goal", "output": "x"}),
    responses(text={"format": {"type": "json_schema", "schema": SCHEMA}}),
    responses(store=False, background=None),
    responses(tools=[{"type": "custom", "name": "f", "format": {"type": "text"}}]),
    responses(tools=[{"type": "namespace", "name": "n", "tools": [{"type": "zeta"}]}]),
    responses(metadata={"a": "b"}),
    (COMPLETIONS, {"prompt": ["a", [1.0]], "echo": False, "logprobs": 1}),
    (COMPLETIONS, {"prompt": "a", "echo": True}),
    (COMPLETIONS, {"prompt": "a", "echo": True, "logprobs": 1}),
    (EMBEDDINGS, {"input": [1, 2]}),
]

REFUSED = [
    chat({"role": "user", "content": "hi", "tool_calls": [CALL]}),
    chat({"role": "tool", "content": "x"}),
    chat({"role": "tool", "content": "x", "tool_call_id": ""}),
    chat(top_logprobs=2),
    chat(logprobs=False, top_logprobs=0),
    chat(tool_choice="required"),
    chat(tools=[FUNCTION], tool_choice={"type": "function", "function": {"name": "auto"}}),
    chat(tools=[CUSTOM], tool_choice={"type": "custom", "custom": {"name": "auto"}}),
    chat(tools=[{"type": "custom"}]),
    chat(tools=[CUSTOM | {"function": {"name": "f"}}]),
    chat(tools=[FUNCTION | {"custom": {"name": "f"}}]),
    chat(tools=[custom({"type": "grammar"})]),
    chat(tools=[custom({"type": "text", "grammar": REGEX})]),
    chat(tools=[custom({"type": "grammar", "grammar": REGEX | {"syntax": "gbnf"}})]),
    chat({"role": "assistant", "content": "", "tool_calls": [CUSTOM_CALL | {"custom": None}]}),
    chat({"role": "assistant", "content": "", "tool_calls": [CALL | {"type": "custom"}]}),
    chat(tools=[FUNCTION], grammar=GBNF),
    chat(tools=[FUNCTION], structured_outputs={"grammar": GBNF}),
    chat(functions=[{"name": "f"}]),
    chat(format="xml"),
    chat(guided_choice=[]),
    chat(structured_outputs={}),
    chat(structured_outputs={"regex": "a", "choice": ["a"]}),
    chat(structured_outputs={"zeta": 1}),
    chat(logit_bias={"x": 1}),
    chat(logit_bias={"5": 101}),
    chat(logit_bias=[[5]]),
    chat(dry_sequence_breakers=[""]),
    chat(dry_sequence_breakers=["a" * 65]),
    chat(bad_words=["a" * 257]),
    chat(stop=["a"] * 9),
    chat(repeat_penalty=0.001),
    chat(tools=[FUNCTION] * 257),
    chat(**format_of("text", json_schema={"schema": SCHEMA})),
    chat(**format_of("json_object", json_schema={"schema": SCHEMA})),
    chat(**format_of("json_schema")),
    messages({"type": "text", "text": None}),
    messages({"type": None, "text": "a"}),
    messages({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
    messages({"type": "thinking", "thinking": "a"}, role="system"),
    messages({"type": "tool_result", "tool_use_id": "t"}, role="assistant"),
    messages(tool_choice={"type": "any"}),
    messages(tools=[{"name": "f"}], tool_choice={"type": "tool"}),
    messages(tools=[{"name": "none"}], tool_choice={"type": "tool", "name": "none"}),
    messages(
        output_format={"type": "json_schema", "schema": SCHEMA},
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
    ),
    responses({}),
    responses({"role": "user"}),
    responses({"role": "user", "content": [{"type": "input_text"}]}),
    responses({"type": "item_reference", "id": "x"}),
    responses({"type": "function_call", "call_id": "", "name": "f", "arguments": "{}"}),
    responses({"type": "function_call_output", "output": "x"}),
    responses(text={"format": {"type": "json_schema"}}),
    responses(text={"format": {"type": "text", "schema": SCHEMA}}),
    responses(store=True),
    responses(background=True),
    responses(tools=[{"type": "function"}]),
    responses(tools=[{"type": "custom", "name": "f", "format": {"type": "grammar"}}]),
    responses(tools=[{"type": "namespace", "name": "n"}]),
    responses(tool_choice="required"),
    responses(tools=[{"type": "custom", "name": "f"}], grammar=GBNF),
    responses(metadata={"a": "b" * 513}),
    responses(metadata={"a" * 65: "b"}),
    (COMPLETIONS, {"prompt": "a", "suffix": "b", "echo": True, "logprobs": 1}),
    (COMPLETIONS, {"prompt": []}),
    (COMPLETIONS, {"prompt": ""}),
    (COMPLETIONS, {"prompt": ["a"] * 129}),
    (EMBEDDINGS, {"input": ["a", ""]}),
    (EMBEDDINGS, {"input": ["a"] * 2049}),
]


def is_allowed(path: str, body: dict[str, Any]) -> bool:
    content = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]
    schema = {**content["application/json"]["schema"], "components": DOCUMENT["components"]}
    return Draft202012Validator(schema).is_valid(body)


@pytest.mark.parametrize(("path", "body"), ACCEPTED, ids=str)
def test_accepted(server: Any, path: str, body: dict[str, Any]) -> None:
    reply = server.post(path, body)
    assert reply.status == 200, reply.body
    assert is_allowed(path, body)


@pytest.mark.parametrize(("path", "body"), REFUSED, ids=str)
def test_refused(server: Any, path: str, body: dict[str, Any]) -> None:
    reply = server.post(path, body)
    assert reply.status == 400, reply.body
    assert not is_allowed(path, body)
