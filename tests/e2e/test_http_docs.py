# SPDX-License-Identifier: AGPL-3.0-only
"""docs/http.md: its examples run as written, its tables are those of the code."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from page_examples import DEFAULT_URL, Page, curl_commands, run_curl, run_python
from sentiric_llama.http.app import api_routes
from sentiric_llama.http.schemas.chat import ChatBody
from sentiric_llama.types.ranges import SAMPLING_ALIASES, SAMPLING_RANGES

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
    assert re.match(r"protocol='.*' port=-?\d+$", output.strip(), re.DOTALL)


def test_every_field_is_described() -> None:
    described = set(re.findall(r"`(\w+)`", PAGE.text))
    names = ChatBody.model_fields.keys() | ChatBody.without_effect | ChatBody.unsupported.keys()
    assert not names - described - {"tool_choice", "function_call", "stream_options"}
    table = PAGE.text.split("### What is ignored")[1]
    ignored = re.search(r"^\| (.*?) \| accepted without effect \|$", table, re.MULTILINE)
    assert ignored
    assert set(re.findall(r"`(\w+)`", ignored[1])) == ChatBody.without_effect


def test_ranges_of_sampling() -> None:
    table = PAGE.text.split("### Sampling")[1].split("\n### ")[0]
    found = dict[str, tuple[float, float]]()
    for names, ranges in re.findall(r"^\| (`.*?) \| (.*?) \|", table, re.MULTILINE):
        fields = re.findall(r"`(\w+)`", names)
        bounds = re.findall(r"(-?\d+)\.\.(\d*)", ranges)
        for index, field in enumerate(fields if bounds else []):
            low, high = bounds[min(index, len(bounds) - 1)]
            found[SAMPLING_ALIASES.get(field, field)] = (float(low), float(high or 2**31 - 1))
    found.pop("logit_bias")
    for name, bounds in found.items():
        known = SAMPLING_RANGES[name]
        assert bounds == (known.low, known.high), name
    assert found.keys() == SAMPLING_RANGES.keys() - {"seed", "top_logprobs"}


def test_every_route_is_described() -> None:
    table = PAGE.text.split("## Routes")[1].split("\n## ")[0]
    for route in api_routes():
        path = route.path.replace("{name:path}", "NAME")
        assert path.startswith("/static/") or f"{path}`" in table, path
