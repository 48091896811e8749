# SPDX-License-Identifier: AGPL-3.0-only
"""The OpenAPI document says what answers and events with thoughts and calls are."""

from __future__ import annotations

import functools
import json
import operator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from responses_calls import PATH, TOOLS, ThinkingEngine, call, respond
from sentiric_llama.errors import InternalError
from sentiric_llama.http.app import api_routes
from sentiric_llama.http.openapi import openapi
from sentiric_llama.http.operations import OPERATIONS
from sentiric_llama.http.schemas.answer import Answer

DOCUMENT = openapi(api_routes())
POST = DOCUMENT["paths"][PATH]["post"]
OPERATION = OPERATIONS["POST", PATH]
REPLY = "<think>hm</think>I look." + "".join(
    [call("look", {}), call("crm__get", {}), call("patch", {"input": "a"}), call("none", {})]
)
ASKED: Any = {
    "tools": TOOLS,
    "instructions": "be kind",
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [TOOLS[0]]},
}


def validate(models: tuple[type[Any], ...], schema: Any, content: Any) -> None:
    """By the models, and by the schema that clients read."""
    any_of: Any = functools.reduce(operator.or_, models)
    TypeAdapter(any_of).validate_json(json.dumps(content), strict=True)
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(content)


@pytest.mark.parametrize("fields", [{}, ASKED, {"tools": TOOLS, "max_output_tokens": 40}])
def test_answers(start: Any, fields: dict[str, Any]) -> None:
    server = start(lambda: ThinkingEngine(REPLY))
    schema = POST["responses"]["200"]["content"]["application/json"]["schema"]
    validate(OPERATION.answer, schema, respond(server, **fields).json)


@pytest.mark.parametrize(
    ("fields", "engine"),
    [
        ({"tools": TOOLS}, {}),
        (ASKED | {"max_output_tokens": 40}, {}),
        ({"tools": TOOLS}, {"fail": InternalError("bug"), "fail_after": 30, "delay_s": 0.001}),
    ],
)
def test_events(start: Any, fields: dict[str, Any], engine: Any) -> None:
    server = start(lambda: ThinkingEngine(REPLY, **engine))
    schema = POST["responses"]["200"]["content"]["text/event-stream"]["schema"]
    events = respond(server, stream=True, **fields).events
    for event in events:
        validate(OPERATION.events, schema, event)
    form = "reasoning_summary_text" if "reasoning" in fields else "reasoning_text"
    assert f"response.{form}.done" in [event["type"] for event in events]


def test_every_kind_of_event_is_described_once() -> None:
    kinds: list[str] = []
    for model in OPERATION.events:
        assert issubclass(model, Answer)
        kinds += model.model_json_schema()["properties"]["type"].get("enum") or [
            model.model_json_schema()["properties"]["type"]["const"]
        ]
    assert len(set(kinds)) == len(kinds) == 21


@pytest.mark.parametrize("given", ["a", [{"role": "user", "content": "a"}]])
def test_bodies(given: Any) -> None:
    schema = POST["requestBody"]["content"]["application/json"]["schema"]
    checked = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    checked.validate({"input": given, **ASKED})
    assert not checked.is_valid({"input": 5}) and not checked.is_valid({})
    assert not checked.is_valid({"input": "a", "tool_choice": "x"})


def test_what_is_never_served_has_no_success() -> None:
    for path in (f"{PATH}/{{id}}", f"{PATH}/{{id}}/input_items"):
        statuses = DOCUMENT["paths"][path]["get"]["responses"].keys()
        assert "404" in statuses and all(status >= "400" for status in statuses)
