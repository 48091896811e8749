# SPDX-License-Identifier: AGPL-3.0-only
"""Bodies are models: what has no effect is named, what cannot be done is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama.http.app import api_routes
from sentiric_llama.http.openai import parse_chat
from sentiric_llama.http.openapi import openapi
from sentiric_llama.http.operations import OPERATIONS
from sentiric_llama.http.schemas import grammar
from sentiric_llama.http.schemas.body import Body
from sentiric_llama.http.schemas.chat import ChatBody
from sentiric_llama.http.schemas.sampling import SamplingFields
from sentiric_llama.service.chat_call import ROLES
from sentiric_llama.types import Grammar
from sentiric_llama.types.ranges import SAMPLING_ALIASES, SAMPLING_RANGES

BODIES = {path: operation.body for (_, path), operation in OPERATIONS.items() if operation.body}
DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi.json"


def ignored(reply: Any) -> str | None:
    return reply.headers.get("x-ignored-fields")


@pytest.mark.parametrize("stream", [False, True])
def test_fields_without_effect_are_named(server: Any, stream: bool) -> None:
    reply = server.chat(stream=stream, zeta=1, user="u", store=None, temperature=1)
    assert (reply.status, ignored(reply)) == (200, "user, zeta")
    assert ignored(server.chat(stream=stream)) is None


def test_names_that_are_no_names_are_not_repeated(server: Any) -> None:
    names = {"a\nb": 1, "x" * 65: 1, "ş": 1, **{f"f{i:02}": 1 for i in range(20)}}
    reply = server.chat(**names)
    assert reply.status == 200
    assert ignored(reply) == ", ".join(f"f{i:02}" for i in range(16))


def test_other_bodies_name_them_too(server: Any) -> None:
    for path, body in (("/tokenize", {"content": "a"}), ("/detokenize", {"tokens": [97]})):
        reply = server.post(path, json.dumps(body | {"model": "x"}).encode())
        assert (reply.status, ignored(reply)) == (200, "model")


@pytest.mark.parametrize(
    ("name", "value", "neutral"),
    [
        ("guided_json", {"type": "object"}, {}),
        ("guided_regex", "a+", ""),
        ("guided_choice", ["a"], []),
        ("guided_grammar", "root ::= x", ""),
        ("format", "json", ""),
        ("structured_outputs", {"json": {}}, {}),
        ("chat_template_kwargs", {"enable_thinking": False}, {}),
        ("continue_final_message", True, False),
        ("add_generation_prompt", False, True),
        ("min_tokens", 5, 0),
        ("stop_token_ids", [1], []),
        ("tool_choice", "required", "auto"),
        ("tool_choice", {"type": "function", "function": {"name": "f"}}, "none"),
        ("function_call", {"name": "f"}, "none"),
        ("function_call", "required", "auto"),
    ],
)
def test_what_would_change_the_answer_and_cannot_is_refused(
    server: Any, name: str, value: Any, neutral: Any
) -> None:
    reply = server.chat(**{name: value})
    assert (reply.status, reply.error["param"]) == (400, name)
    assert "not supported" in reply.error["message"]
    assert server.chat(**{name: neutral}).status == server.chat(**{name: None}).status == 200


def test_a_wrong_type_is_not_called_out_of_range(server: Any) -> None:
    for fields in ({"stream": "yes"}, {"model": 5}, {"grammar": []}, {"json_schema": True}):
        assert "out of range" not in server.chat(**fields).error["message"]


def test_the_models_have_what_the_engine_has() -> None:
    names = {*SAMPLING_RANGES, *SAMPLING_ALIASES, "dry_sequence_breakers", "logit_bias"}
    assert SamplingFields.model_fields.keys() == names - {"top_logprobs"}
    role = ChatBody.model_json_schema()["$defs"]["ChatMessage"]["properties"]["role"]
    assert tuple(role["enum"]) == ROLES
    for kind in {*BODIES.values()}:
        assert issubclass(kind, Body) and not kind.without_effect & kind.model_fields.keys()


def test_the_written_document_is_what_the_server_says(server: Any) -> None:
    """Else: make reference."""
    written = json.loads(DOCUMENT.read_text("utf-8"))
    assert written == openapi(api_routes())
    told = server.get("/openapi.json").json
    assert told == written
    chat = told["components"]["schemas"]["ChatBody"]["properties"]
    limits = {"type": "number", "minimum": 0, "maximum": 2}
    assert chat["temperature"] == {"anyOf": [limits, {"type": "null"}]}
    assert {"/v1/chat/completions", "/tokenize", "/v1/models/{name}"} <= told["paths"].keys()


def test_every_post_of_the_api_has_a_model() -> None:
    posts = {route.path for route in api_routes() if "POST" in (route.methods or ())}
    assert posts == BODIES.keys()


KEY = {"X-Api-Key": "admin"}


@pytest.fixture(scope="module")
def operator(start_shared: Any) -> Any:
    return start_shared(admin_key="admin")


@pytest.fixture(scope="module")
def strict(start_shared: Any) -> Any:
    return start_shared(admin_key="admin", strict_fields=True)


REQUIRED = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "a"}]},
    "/chat/completions": {"messages": [{"role": "user", "content": "a"}]},
    "/tokenize": {"content": "a"},
    "/detokenize": {"tokens": [97]},
    "/v1/models/switch": {"profile": "none of this name"},
    "/v1/hardware/config": {},
}
"""Path -> its required fields."""


def test_the_table_of_required_fields_is_complete() -> None:
    assert REQUIRED.keys() == BODIES.keys()
    for path, fields in REQUIRED.items():
        schema = BODIES[path].model_json_schema(by_alias=True)
        assert set(schema.get("required", ())) == fields.keys(), path


@pytest.mark.parametrize("path", REQUIRED)
def test_an_absent_field_is_no_empty_one(operator: Any, path: str) -> None:
    for name in REQUIRED[path]:
        others = {key: value for key, value in REQUIRED[path].items() if key != name}
        for body in (others, others | {name: None}, others | {"text": "a"}):
            reply = operator.post(path, body, KEY)
            assert (reply.status, reply.error["param"]) == (400, name)
            assert "required" in reply.error["message"]


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ({"role": "user", "text": "a"}, 400),
        ({"role": "assistant"}, 400),
        ({"role": "user", "content": None}, 200),
        ({"role": "user", "content": ""}, 200),
    ],
)
def test_a_message_needs_its_content(server: Any, message: Any, status: int) -> None:
    reply = server.chat([message])
    assert reply.status == status
    if status == 400:
        assert reply.error["param"] == "messages.0.content"


@pytest.mark.parametrize("path", REQUIRED)
def test_unknown_fields_are_named_or_refused_on_every_route(
    operator: Any, strict: Any, path: str
) -> None:
    body = REQUIRED[path] | {"zeta": 1}
    if path != "/v1/models/switch":  # which has no profile to load
        reply = operator.post(path, body, KEY)
        assert (reply.status, ignored(reply)) == (200, "zeta")
    reply = strict.post(path, body, KEY)
    assert reply.status == 400 and "unknown field; got 'zeta'" in reply.error["message"]


def test_a_schema_is_serialized_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def dumps(*args: Any, **options: Any) -> str:
        calls.append(args)
        return json.JSONEncoder(**options).encode(*args)

    monkeypatch.setattr(grammar.json, "dumps", dumps)
    schema = {"type": "object"}
    for fields in (
        {"json_schema": schema},
        {"response_format": {"type": "json_object", "schema": schema}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}},
    ):
        calls.clear()
        parsed = parse_chat({"messages": [{"role": "user", "content": "a"}], **fields})
        assert parsed.call.grammar == Grammar("json_schema", '{"type":"object"}')
        assert parsed.grammar_field == next(iter(fields)) and len(calls) == 1
