# SPDX-License-Identifier: AGPL-3.0-only
"""Bodies with anything anywhere are served or refused, and nothing else."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from responses_calls import TOOLS
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.responses.request import parse_response

BODY: dict[str, Any] = {
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "b"}]},
        {"type": "message", "role": "assistant", "content": "c", "id": "msg_1"},
        {"type": "function_call", "call_id": "1", "name": "look", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "2", "name": "patch", "input": "x"},
        {"type": "function_call_output", "call_id": "1", "output": "y"},
        {"type": "custom_tool_call_output", "call_id": "2", "output": [{"type": "text"}]},
    ],
    "instructions": "d",
    "tools": [
        *TOOLS,
        {
            "type": "custom",
            "name": "n",
            "format": {"type": "grammar", "syntax": "regex", "definition": "a"},
        },
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "get", "namespace": "crm"}],
    },
    "text": {"format": {"type": "json_schema", "name": "e", "schema": {"type": "object"}}},
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["message.output_text.logprobs"],
    "metadata": {"f": "g"},
    "top_logprobs": 2,
    "truncation": "auto",
}
JUNK: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 2**70, "", "x", "none", "function", [], {}, [[]], [{}]),
    *([None], [1], {"type": None}, {"type": []}, {"type": "function"}, {"type": "namespace"}),
    *({"type": "custom", "name": "none"}, {"": 1}, "x" * 300, ["x"] * 300),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def mutated(rng: random.Random) -> dict[str, Any]:
    """The body with junk at one to three places."""
    body = copy.deepcopy(BODY)
    for _ in range(rng.randint(1, 3)):
        *way, last = rng.choice(places(body)[1:])
        inside: Any = body
        for key in way:
            inside = inside[key]
        if rng.random() < 0.2:
            del inside[last]
        else:
            inside[last] = copy.deepcopy(rng.choice(JUNK))
    return body


@pytest.mark.parametrize("seed", range(40))
def test_anything_anywhere(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(100):
        body = mutated(rng)
        for strict in (False, True):
            assert outcome(copy.deepcopy(body), strict), body


def outcome(body: Any, strict: bool) -> bool:
    """Whether it is served with something to say, or refused with a place."""
    try:
        request = parse_response(body, strict=strict)
    except InvalidArgument as error:
        return bool(error.where)
    return bool(request.call.messages and json.loads(request.echo))


def test_the_body_itself_is_served() -> None:
    BODY["input"][-1]["output"][0]["text"] = "z"
    call = parse_response(BODY, strict=True).call
    assert len(call.wishes.tools) == 5 and len(call.messages) == 5
