# SPDX-License-Identifier: AGPL-3.0-only
"""What `make contract` checks answers with notices an answer that is not as documented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.answers import Answer, Contract
from sentiric_llama.http.app import api_routes
from sentiric_llama.http.openapi import openapi

CONTRACT = Contract(openapi(api_routes()))
JSON, EVENTS = "application/json", "text/event-stream; charset=utf-8"
TOKENIZE = ("POST", "/tokenize")
MESSAGES = ("POST", "/v1/messages")
ERROR = {"error": {"message": "m", "type": "t", "param": None, "code": "c"}}


def problems(
    operation: tuple[str, str], status: int, body: Any, kind: str = JSON, *, whole: bool = True
) -> list[str]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(CONTRACT.problems(*operation, Answer(status, kind, raw, whole)))


def stream(*events: Any) -> bytes:
    lines = (event if isinstance(event, str) else json.dumps(event) for event in events)
    return "".join(f": comment\n\ndata: {line}\n\n" for line in lines).encode()


def test_a_refusal_names_a_field_of_the_request() -> None:
    def named(message: str, sent: Any) -> list[str]:
        error = {"error": ERROR["error"] | {"message": message}}
        answer = Answer(400, JSON, json.dumps(error).encode())
        return [*CONTRACT.misnamed(*TOKENIZE, answer, sent)]

    assert not named("[content] this field is required", {})
    assert not named("[zeta.0] unknown", {"zeta": [1]})
    assert not named("the body is not valid JSON", "x")
    assert named("[text] must not be empty", {"content": ""})


def test_what_is_documented_is_right() -> None:
    assert problems(TOKENIZE, 200, {"tokens": [1]}) == []
    assert problems(TOKENIZE, 400, ERROR) == []
    stopped = {"type": "message_stop"}
    assert problems(MESSAGES, 200, stream({"type": "ping"}, stopped), EVENTS) == []
    assert problems(MESSAGES, 200, stream({"type": "ping"}), EVENTS, whole=False) == []


@pytest.mark.parametrize(
    ("operation", "status", "body", "kind", "wrong"),
    [
        (TOKENIZE, 200, {"tokens": ["a"]}, JSON, "tokens"),
        (TOKENIZE, 200, {}, JSON, "'tokens' is a required property"),
        (TOKENIZE, 400, {"error": "no"}, JSON, "error"),
        (TOKENIZE, 418, ERROR, JSON, "status 418 is not documented"),
        (TOKENIZE, 500, ERROR, JSON, "failed: 500"),
        (TOKENIZE, 200, {"tokens": [1]}, "text/html", "'text/html' with status 200"),
        (TOKENIZE, 200, stream("[DONE]"), EVENTS, "'text/event-stream' with status 200"),
        (MESSAGES, 400, ERROR, JSON, "'type' is a required property"),
        (MESSAGES, 200, b"", EVENTS, "without events"),
        (MESSAGES, 200, stream({"type": "ping"}), EVENTS, "ends with"),
        (MESSAGES, 200, stream({"type": "zeta"}, {"type": "message_stop"}), EVENTS, "zeta"),
        (
            MESSAGES,
            200,
            stream({"type": "error", "error": {"type": "api_error", "message": "m"}}),
            EVENTS,
            "failed within a stream",
        ),
    ],
)
def test_what_is_not_is_noticed(
    operation: tuple[str, str], status: int, body: Any, kind: str, wrong: str
) -> None:
    found = problems(operation, status, body, kind)
    assert any(wrong in problem for problem in found), found
