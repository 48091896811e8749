# SPDX-License-Identifier: AGPL-3.0-only
"""A page of `docs/`: its examples, run against a real server, and its tables."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

DEFAULT_URL = "http://127.0.0.1:16070"
"""What the examples say; the tests put the address of their server there."""


class Page:
    """A page by its name."""

    def __init__(self, name: str) -> None:
        self.text = (Path(__file__).parents[1] / "docs" / name).read_text("utf-8")

    def blocks(self, language: str) -> list[str]:
        """The code blocks of a language."""
        return re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)

    def section(self, title: str) -> str:
        """What stands below a heading of the second level."""
        return self.text.split(f"## {title}\n")[1].split("\n## ")[0]


def curl_commands(blocks: Sequence[str]) -> list[str]:
    """What stands in shell blocks, cut before each curl."""
    cut = re.compile("^(?=curl)", re.MULTILINE)
    return [each for block in blocks for each in cut.split(block) if each]


def run(command: list[str]) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_curl(line: str, url: str) -> str:
    """Runs a curl command of a page against the server at `url`."""
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    return run(["sh", "-c", line.replace("curl ", "curl -s ", 1).replace(DEFAULT_URL, url)])


def run_python(example: str, url: str) -> str:
    """Runs an example in Python against the server at `url`."""
    return run([sys.executable, "-c", example.replace(DEFAULT_URL, url)])


def named_rows(table: str) -> dict[str, str]:
    """The names in the first column of a table -> what the second says of them."""
    found = re.findall(r"^\| (`.*?) \| (.*?) \|$", table, re.MULTILINE)
    return {name: what for names, what in found for name in re.findall(r"`([\w.]+)`", names)}
