# SPDX-License-Identifier: AGPL-3.0-only
"""docs/responses-api.md: its examples run as written, its tables are those of the code."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from page_examples import Page, curl_commands, named_rows, run_curl, run_python
from sentiric_llama.http.operations import OPERATIONS
from sentiric_llama.http.responses import items, tools

PAGE = Page("responses-api.md")


@pytest.mark.parametrize("line", curl_commands(PAGE.blocks("bash")[:1]))
def test_curl(guide: Any, line: str) -> None:
    output = run_curl(line, guide.url)
    if '"stream": true' in line:
        assert output.startswith("event: response.created\n")
        assert "\n\nevent: response.completed\n" in output
    else:
        answer = json.loads(output)
        assert answer["status"] == "completed" and answer["output"][0]["content"][0]["text"]


def test_python(guide: Any) -> None:
    (example,) = PAGE.blocks("python")
    assert run_python(example, guide.url).strip()


def test_every_item_tool_and_event_is_described() -> None:
    assert named_rows(PAGE.section("Items")).keys() == items.KINDS.keys() | {"item_reference"}
    assert named_rows(PAGE.section("Tools")).keys() == tools.KINDS.keys()
    told = {
        kind
        for model in OPERATIONS["POST", "/v1/responses"].events
        for kind in re.findall(r"response\.[\w.]+", json.dumps(model.model_json_schema()))
    }
    assert named_rows(PAGE.section("Events")).keys() == told


@pytest.mark.parametrize(
    ("choice", "kind", "pattern"),
    [
        ({"type": "function", "name": "look"}, "function_call", r'\{"where": ?"(up|down)"\}'),
        ({"type": "custom", "name": "patch"}, "custom_tool_call", r"[a-c]{2,5}"),
    ],
)
def test_what_must_be_called_is_called_as_its_schema_says(
    guide: Any, choice: Any, kind: str, pattern: str
) -> None:
    schema = {
        "type": "object",
        "properties": {"where": {"enum": ["up", "down"]}},
        "required": ["where"],
        "additionalProperties": False,
    }
    form = {"type": "grammar", "syntax": "regex", "definition": "[a-c]{2,5}"}
    asked: Any = {
        "model": "default",
        "input": "look up",
        "tools": [
            {"type": "function", "name": "look", "parameters": schema, "strict": True},
            {"type": "custom", "name": "patch", "format": form},
        ],
        "tool_choice": choice,
        "parallel_tool_calls": False,
        "temperature": 0,
    }
    with guide.openai() as client:
        whole = client.responses.create(**asked)
        with client.responses.stream(**asked) as stream:
            streamed = stream.get_final_response()
    for response in (whole, streamed):
        (item,) = response.output
        text = item.arguments if item.type == "function_call" else item.input
        assert item.type == kind and re.fullmatch(pattern, text), text
