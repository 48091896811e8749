# SPDX-License-Identifier: AGPL-3.0-only
"""docs/library-names.md: its programs run, and use every public name and every public method."""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sentiric_llama
from page_examples import Page

PROGRAMS = Page("library-names.md").blocks("python")
METHODS = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "library_tables.py"))["methods"]
HOLDERS = {
    "Engine": {"engine", "Engine"},
    "AsyncEngine": {"engine", "AsyncEngine"},
    "AnswerStream": {"stream", "story", "running", "waiting"},
    "AsyncAnswerStream": {"stream", "story", "running"},
    "Stream": {"stream", "story", "running", "waiting"},
    "AsyncStream": {"stream", "story", "running"},
    "Grammar": {"Grammar", "port", "word", "answer", "rules", "nodes"},
    "Vocabulary": {"Vocabulary", "vocabulary"},
    "Explanation": {"found"},
}
"""Classes with methods -> what the programs call their objects."""


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program: str, library_folder: Path) -> None:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, timeout=240, cwd=library_folder)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.strip() and not done.stderr, done.stderr.decode()


def used(program: str) -> Iterator[tuple[str, str]]:
    """Attributes that a program reads: what it calls the object, and the name."""
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Attribute):
            owner = node.value
            while isinstance(owner, ast.Call | ast.Attribute):
                owner = owner.func if isinstance(owner, ast.Call) else owner.value
            if isinstance(owner, ast.Name):
                yield owner.id, node.attr


def test_every_public_name_is_used() -> None:
    imported = {
        alias.name
        for program in PROGRAMS
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.ImportFrom) and node.module == "sentiric_llama"
        for alias in node.names
    }
    missing = set(sentiric_llama.__all__) - imported
    assert not missing, "use them in a program of docs/library-names.md"


@pytest.mark.parametrize("name", HOLDERS)
def test_every_public_method_is_used(name: str) -> None:
    kind = getattr(sentiric_llama, name)
    is_async = name.startswith("Async")
    programs = [each for each in PROGRAMS if ("AsyncEngine" in each) == is_async]
    found = {attr for each in programs for owner, attr in used(each) if owner in HOLDERS[name]}
    missing = set(METHODS(kind)) - found
    assert not missing, "use them in a program of docs/library-names.md"


def test_every_class_with_methods_is_looked_at() -> None:
    kinds = {name for name in sentiric_llama.__all__ if name[0].isupper()}
    records = {
        name for name in kinds if hasattr(getattr(sentiric_llama, name), "__dataclass_fields__")
    }
    errors = {name for name in kinds if issubclass(getattr(sentiric_llama, name), BaseException)}
    with_methods = kinds - errors - (records - {"Grammar", "Explanation"}) - {"ErrorCode"}
    assert with_methods == HOLDERS.keys()
