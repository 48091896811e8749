# SPDX-License-Identifier: AGPL-3.0-only
"""docs/http.md: its examples run as written, its table of routes is complete."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from page_examples import DEFAULT_URL, Page, curl_commands, run_curl, run_python
from sentiric_llama.http.app import api_routes

PAGE = Page("http.md")


@pytest.mark.parametrize("line", curl_commands(PAGE.blocks("bash")))
def test_curl(guide: Any, line: str) -> None:
    assert line.startswith("curl") and DEFAULT_URL in line
    output = run_curl(line, guide.url)
    if "data:" in output:
        assert output.rstrip().endswith("data: [DONE]")
        return
    answer = json.loads(output)
    assert "error" not in answer
    if "response_format" in line:
        assert set(json.loads(answer["choices"][0]["message"]["content"])) == {"protocol", "port"}


def test_pydantic(guide: Any) -> None:
    (example,) = PAGE.blocks("python")
    output = run_python(example, guide.url)
    assert re.match(r"protocol='(http|grpc)' port=-?\d+$", output.strip())


def test_every_route_is_described() -> None:
    table = PAGE.text.split("## Routes")[1].split("\n## ")[0]
    for route in api_routes():
        path = route.path.replace("{name:path}", "NAME")
        assert path.startswith("/static/") or f"{path}`" in table, path
