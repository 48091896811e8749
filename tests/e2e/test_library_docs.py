# SPDX-License-Identifier: AGPL-3.0-only
"""docs/library.md: its examples run as written, its tables name what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from sentiric_llama.engine.aio import AsyncEngine
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.engine.chat.wishes import ChatOptions
from sentiric_llama.errors import ERROR_CLASSES
from sentiric_llama.types import EngineConfig

PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def first_cells(title: str) -> set[str]:
    """The names in the first column of a section's table."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)", cell)}


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples(example: str, library_folder: Path) -> None:
    command = [sys.executable, "-c", example]
    done = subprocess.run(command, capture_output=True, timeout=120, cwd=library_folder)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.strip()


def test_tables() -> None:
    assert first_cells("EngineConfig") == {field.name for field in fields(EngineConfig)}
    assert first_cells("Options") == set(ChatOptions.__annotations__)
    assert first_cells("Errors") == {kind.__name__ for kind in ERROR_CLASSES.values()}
    methods = first_cells("Methods")
    assert all(hasattr(Engine, name) for name in methods)
    assert {name for name in methods if not hasattr(AsyncEngine, name)} <= {"render_chat"}
