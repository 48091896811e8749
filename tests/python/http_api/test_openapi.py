# SPDX-License-Identifier: AGPL-3.0-only
"""The OpenAPI document is true: of every route, every default and every answer of a server."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from gguf_files import sound
from http_client import open_chat, wait_until
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import ModelInvalid
from sentiric_llama.http.anthropic.answer import MessagesError
from sentiric_llama.http.app import api_routes
from sentiric_llama.http.openapi import STATIC, openapi
from sentiric_llama.http.operations import OPERATIONS
from sentiric_llama.http.schemas.answer import Error
from sentiric_llama.types import Device, TruncationReport

ADMIN = {"X-Api-Key": "admin"}
CHAT = {"messages": [{"role": "user", "content": "hi"}], "logprobs": True, "top_logprobs": 1}
MESSAGES = {"messages": [{"role": "user", "content": "hi"}]}
LOOP: dict[str, Any] = {
    "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}, {"type": "web_search_1"}],
    "tool_choice": {"type": "auto"},
    "thinking": {"type": "enabled", "budget_tokens": 9},
    "output_config": {"effort": "low"},
    "stop_sequences": ["zz"],
    "messages": [
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "now"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "a", "signature": ""},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": [], "is_error": True},
                {"type": "text", "text": "b"},
            ],
        },
    ],
}
RESPONSE = {"input": "hi", "include": ["message.output_text.logprobs"], "top_logprobs": 1}
STREAM = CHAT | {"stream": True, "stream_options": {"include_usage": True}}

DOCUMENT = openapi(api_routes())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


@pytest.fixture(scope="module")
def server(start_shared: Any, tmp_path_factory: Any) -> Any:
    folder: Path = tmp_path_factory.mktemp("profiles")
    (folder / "m.gguf").write_bytes(sound())
    profiles = {"a": {"model_id": str(folder / "m.gguf"), "display_name": "A"}}
    path = folder / "profiles.json"
    path.write_text(json.dumps({"active_profile": "a", "profiles": profiles}))
    gpu = Device("GPU0", "a card", "gpu", 60, 100)
    lost = TruncationReport(dropped_turns=1, dropped_tokens=5)
    return start_shared(
        lambda: FakeEngine(truncation=lost, devices=[gpu]),
        admin_key="admin",
        profiles_path=str(path),
        profile="a",
    )


def validate(model: type[BaseModel], content: Any) -> None:
    """By the model, which knows every field, and by the schema that clients read."""
    model.model_validate_json(json.dumps(content), strict=True)
    schema = {"$ref": f"#/components/schemas/{model.__name__}", **DOCUMENT}
    Draft202012Validator(schema).validate(content)


def is_one_of(models: tuple[type[BaseModel], ...], content: Any) -> None:
    problems = []
    for model in models:
        try:
            return validate(model, content)
        except ValueError as error:
            problems.append(error)
    raise AssertionError(problems)


# The document


def test_every_route_is_documented() -> None:
    routes = {
        (method, route.path.replace(":path}", "}"))
        for route in api_routes()
        for method in (route.methods or set()) - {"HEAD"}
        if not route.path.startswith(STATIC)
    }
    assert routes == OPERATIONS.keys()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_every_operation_says_what_it_does_and_what_it_answers() -> None:
    summaries = [operation["summary"] for _, _, operation in operations()]
    assert all(len(summary.split()) > 1 and "{" not in summary for summary in summaries)
    identifiers = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(identifiers)) == len(identifiers)
    for method, path, operation in operations():
        succeeds = OPERATIONS[method.upper(), path].succeeds
        assert ("200" in operation["responses"]) is succeeds, path
        assert not succeeds or operation["responses"]["200"]["content"], path
        assert ("requestBody" in operation) == (method == "post" and succeeds), path


def test_all_schemas_are_valid_and_used() -> None:
    text = json.dumps(DOCUMENT)
    for name, schema in SCHEMAS.items():
        Draft202012Validator.check_schema(schema)
        assert f'"#/components/schemas/{name}"' in text, name


BODIES = {op.body.__name__: op.body for op in OPERATIONS.values() if op.body}


@pytest.mark.parametrize("kind", BODIES.values(), ids=BODIES)
def test_defaults_and_null_are_what_the_field_allows(kind: Any) -> None:
    schema = SCHEMAS[kind.__name__]
    for name, field in schema["properties"].items():
        validator = Draft202012Validator({**field, "components": DOCUMENT["components"]})
        if "default" in field:
            validator.validate(field["default"])
            assert field["default"] is not None
        assert validator.is_valid(None) is (name not in schema.get("required", ())), name


def test_examples_are_valid() -> None:
    found = {name: schema["examples"] for name, schema in SCHEMAS.items() if "examples" in schema}
    assert {"MessagesBody", "MessageAnswer", "MessagesError", "TokenCount"} <= found.keys()
    for name, examples in found.items():
        reference = {"$ref": f"#/components/schemas/{name}", **DOCUMENT}
        for example in examples:
            Draft202012Validator(reference).validate(example)


# Answers

GETS = {
    "/v1/models": "/v1/models",
    "/v1/models/{name}": "/v1/models/alias",
    **{path: path for path in ("/health", "/v1/health", "/health/live", "/health/ready")},
    **{path: path for path in ("/v1/stats", "/v1/profiles", "/v1/hardware/config")},
    "/v1/ui/layout": "/v1/ui/layout",
}
POSTS: dict[str, list[dict[str, Any]]] = {
    "/v1/chat/completions": [CHAT, CHAT | {"n": 2, "logprobs": False, "top_logprobs": None}],
    "/chat/completions": [CHAT],
    "/v1/chat/completions/input_tokens": [CHAT],
    "/v1/chat/completions/render": [CHAT],
    "/v1/messages": [MESSAGES, LOOP],
    "/v1/messages/count_tokens": [MESSAGES, LOOP],
    "/v1/messages/render": [MESSAGES, LOOP],
    "/v1/responses/input_tokens": [RESPONSE],
    "/v1/responses/render": [RESPONSE],
    "/v1/completions": [{"prompt": ["a", [1, 2]], "logprobs": 1, "return_tokens": True}],
    "/v1/embeddings": [{"input": ["a", "b"]}, {"input": [1, 2], "encoding_format": "base64"}],
    "/v1/responses": [RESPONSE, {"input": [{"role": "user", "content": "hi"}]}],
    "/tokenize": [{"content": "é"}, {"content": "é", "with_pieces": True}, {"content": ""}],
    "/detokenize": [{"tokens": [97]}],
    "/v1/models/switch": [{"profile": "a"}],
    "/v1/hardware/config": [{}],
}
EVENTS: dict[tuple[str, str], dict[str, Any] | None] = {
    ("POST", "/v1/chat/completions"): STREAM,
    ("POST", "/chat/completions"): STREAM,
    ("POST", "/v1/messages"): MESSAGES | {"stream": True},
    ("POST", "/v1/responses"): RESPONSE | {"stream": True},
    ("POST", "/v1/completions"): {"prompt": "a", "logprobs": 1, "stream": True},
    ("POST", "/v1/models/switch"): {"profile": "a", "stream": True},
    ("GET", "/v1/stats/stream"): None,
}


def test_every_answer_is_tried_below() -> None:
    tried = {("GET", path) for path in GETS} | {("POST", path) for path in POSTS}
    tried |= {("DELETE", "/v1/requests/{id}")}
    assert tried == {key for key, operation in OPERATIONS.items() if operation.answer}
    assert EVENTS.keys() == {key for key, operation in OPERATIONS.items() if operation.events}


@pytest.mark.parametrize("path", GETS)
def test_answers_to_get(server: Any, path: str) -> None:
    for headers in ({}, ADMIN):
        reply = server.request("GET", GETS[path], headers=headers)
        assert reply.status == 200
        is_one_of(OPERATIONS["GET", path].answer, reply.json)


def test_the_answer_to_a_cancel(start: Any) -> None:
    server = start(lambda: FakeEngine("abc", delay_s=60))
    with open_chat(server.port, "x", {"x-request-id": "mine"}):
        assert wait_until(lambda: server.engine.active == 1)
        reply = server.request("DELETE", "/v1/requests/mine")
        is_one_of(OPERATIONS["DELETE", "/v1/requests/{id}"].answer, reply.json)


@pytest.mark.parametrize("path", POSTS)
def test_answers_to_post(server: Any, path: str) -> None:
    operation = OPERATIONS["POST", path]
    for body in POSTS[path]:
        assert operation.body is not None
        validate(operation.body, body)
        reply = server.post(path, body, ADMIN)
        assert reply.status == 200, reply.body
        is_one_of(operation.answer, reply.json)


MODEL_NAMED = [
    path
    for (method, path), operation in OPERATIONS.items()
    if method == "POST" and operation.body and "model" in operation.body.model_fields
]


@pytest.mark.parametrize("path", MODEL_NAMED)
def test_an_unknown_model_is_a_documented_refusal(server: Any, path: str) -> None:
    reply = server.post(path, POSTS[path][0] | {"model": "nope"}, ADMIN)
    responses = DOCUMENT["paths"][path]["post"]["responses"]
    assert reply.status == 404 and "404" in responses


@pytest.mark.parametrize("key", EVENTS, ids=str)
def test_events(server: Any, key: tuple[str, str]) -> None:
    method, path = key
    if method == "GET":  # ends with the server
        events = first_event(server.port, path)
    else:
        *events, done = server.request(method, path, EVENTS[key], ADMIN).events
        if path == "/v1/responses":
            assert done["type"] == "response.completed"
            events.append(done)
            done = "[DONE]"
        assert done == ({"type": "message_stop"} if path == "/v1/messages" else "[DONE]")
        assert len(events) > 1
    for event in events:
        is_one_of(OPERATIONS[key].events, event)


def first_event(port: int, path: str) -> list[Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        line = connection.getresponse().readline()
    finally:
        connection.close()
    return [json.loads(line.removeprefix(b"data: "))]


def test_a_running_request_and_a_failed_switch_in_the_statistics(start: Any) -> None:
    server = start(lambda: FakeEngine(first_delay_s=30), admin_key="admin")
    peer = open_chat(server.port, "hello")
    assert wait_until(lambda: server.engine.active == 1)
    server.fail = ModelInvalid("no weights", where="model")
    failed = server.post("/v1/hardware/config", {}, ADMIN)
    assert failed.status == 500
    is_one_of(OPERATIONS["POST", "/v1/hardware/config"].failures[500], failed.json)
    shown = server.get("/v1/stats").json
    assert shown["running"] and shown["switch"]
    is_one_of(OPERATIONS["GET", "/v1/stats"].answer, shown)
    peer.close()


def test_answers_of_a_server_that_is_not_ready(start: Any) -> None:
    loading = start(ready=False)
    for (method, path), operation in OPERATIONS.items():
        if 503 in operation.failures:
            reply = loading.request(method, path)
            assert reply.status == 503
            is_one_of(operation.failures[503], reply.json)


def test_errors(server: Any) -> None:
    long = [{"role": "user", "content": "x" * (2 * 2**20 + 1)}]
    for reply in (server.get("/nope"), server.chat([]), server.chat(long), server.chat(n="x")):
        assert reply.status >= 400
        validate(Error, reply.json)
    for reply in (server.get("/v1/messages/nope"), server.post("/v1/messages", {"messages": long})):
        assert reply.status >= 400
        validate(MessagesError, reply.json)
