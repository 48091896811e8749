# SPDX-License-Identifier: AGPL-3.0-only
"""docs/responses-api.md: its examples run as written, its tables are those of the code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama.http.operations import OPERATIONS
from sentiric_llama.http.responses import items, tools
from sentiric_llama.http.responses.body import ELSEWHERE, ResponsesBody
from sentiric_llama.http.schemas.sampling import SamplingFields

PAGE = (Path(__file__).parents[2] / "docs" / "responses-api.md").read_text("utf-8")
DEFAULT_URL = "http://127.0.0.1:16070"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("line", re.split("^(?=curl)", blocks("bash")[0], flags=re.MULTILINE)[1:])
def test_curl(guide: Any, line: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    output = run(["sh", "-c", line.replace("curl ", "curl -s ", 1).replace(DEFAULT_URL, guide.url)])
    if '"stream": true' in line:
        assert output.startswith("event: response.created\n")
        assert "\n\nevent: response.completed\n" in output
    else:
        answer = json.loads(output)
        assert answer["status"] == "completed" and answer["output"][0]["content"][0]["text"]


def test_python(guide: Any) -> None:
    (example,) = blocks("python")
    assert run([sys.executable, "-c", example.replace(DEFAULT_URL, guide.url)]).strip()


def rows(part: str) -> dict[str, str]:
    """The names in the first column of a table -> what is said of them."""
    found = re.findall(r"^\| (`.*?) \| (.*?) \|$", part, re.MULTILINE)
    return {name: what for names, what in found for name in re.findall(r"`([\w.]+)`", names)}


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def test_every_field_is_described() -> None:
    described = rows(PAGE.split("<!-- fields -->")[1].split("<!-- end of fields -->")[0])
    fields = ResponsesBody.model_fields.keys() - SamplingFields.model_fields.keys()
    fields |= {"temperature", "top_p"} | ResponsesBody.unsupported.keys()
    assert described.keys() == fields | ResponsesBody.without_effect | ELSEWHERE.keys()
    ignored = {name for name, what in described.items() if what == "without effect"}
    assert ignored == ResponsesBody.without_effect
    refused = {name for name, what in described.items() if what.startswith("refused")}
    assert refused == ResponsesBody.unsupported.keys() | ELSEWHERE.keys()


def test_every_item_tool_and_event_is_described() -> None:
    assert rows(section("Items")).keys() == items.KINDS.keys() | {"item_reference"}
    assert rows(section("Tools")).keys() == tools.KINDS.keys()
    told = {
        kind
        for model in OPERATIONS["POST", "/v1/responses"].events
        for kind in re.findall(r"response\.[\w.]+", json.dumps(model.model_json_schema()))
    }
    assert rows(section("Events")).keys() == told


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
