# SPDX-License-Identifier: AGPL-3.0-only
"""docs/upstream-behaviour.md: each test that it names exists, no file of upstream is left out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from page_examples import Page

TESTS = Path(__file__).parents[2]
UPSTREAM = TESTS.parent / "vendor" / "llama.cpp" / "tools" / "server" / "tests" / "unit"
PAGE = Page("upstream-behaviour.md").text
ROWS = re.findall(r"^\| (test_\w+\.py) \| (.+) \| `([\w/.]+)::(\w+)` \|$", PAGE, re.MULTILINE)


def test_every_row_is_read() -> None:
    table = PAGE.split("|---|---|---|\n")[1].split("\n\n")[0]
    assert len(ROWS) == len(table.splitlines()) > 80


@pytest.mark.parametrize(("path", "name"), sorted({(path, name) for *_, path, name in ROWS}))
def test_the_test_exists(path: str, name: str) -> None:
    text = (TESTS / path).read_text("utf-8")
    if path.endswith(".cpp"):
        assert re.search(rf"\b{name}\b", text)
        return
    functions = {
        node.name
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in functions


def test_every_test_of_these_behaviours_is_listed() -> None:
    path = "e2e/test_upstream_behaviour.py"
    written = set(re.findall(r"^def (test_\w+)", (TESTS / path).read_text("utf-8"), re.MULTILINE))
    assert written == {name for *_, where, name in ROWS if where == path}


def test_every_file_of_upstream_is_listed() -> None:
    if not UPSTREAM.is_dir():
        pytest.skip("llama.cpp is not unpacked here")
    files = {path.name for path in UPSTREAM.glob("test_*.py")}
    assert files == set(re.findall(r"(?<![/\w])test_\w+\.py(?!:)", PAGE))
