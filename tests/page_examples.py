# SPDX-License-Identifier: AGPL-3.0-only
"""A page of `docs/`: its examples, run against a real server, and its tables."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from answer_shape import differences, matches

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

    def examples(self) -> list[Example]:
        """The answers below headings of the third level, each with its request if it has one."""
        return [
            Example(title.strip("`"), *found)
            for title, text in re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", self.text, _LINES)
            for found in re.findall(_ANSWER, text, _LINES)
        ]


_LINES = re.MULTILINE | re.DOTALL
_ANSWER = r"(?:^```bash\n([^`]*)^```$\s+)?^```(json|text|http)\n(.*?)^```$"


@dataclass(frozen=True, slots=True)
class Example:
    """A request as a page shows it, or "", and its answer in the language `form`."""

    title: str
    request: str
    form: str
    answer: str

    def check(self, got: str) -> None:
        """Compares an answer with the written one."""
        if self.form == "json":
            found = list(differences(json.loads(self.answer), json.loads(got)))
        elif self.form == "http":
            found = list(differences_of_responses(self.answer, got))
        else:
            found = [] if matches(self.answer.rstrip("\n"), got.rstrip("\n")) else [got]
        assert not found, found


def differences_of_responses(written: str, got: str) -> Iterator[str]:
    """Of a status line, the headers that are written, and a body of JSON."""
    head, _, body = written.partition("\n\n")
    got_head, _, got_body = got.replace("\r\n", "\n").partition("\n\n")
    status, *lines = head.splitlines()
    got_status, *got_lines = got_head.splitlines()
    if status.split()[1] != got_status.split()[1]:
        yield f"written {status}, got {got_status}"
    for line in lines:
        if not any(matches(line.lower(), each.lower()) for each in got_lines):
            yield f"no header like {line!r} among {got_lines}"
    yield from differences(json.loads(body), json.loads(got_body))


def curl_commands(blocks: Sequence[str]) -> list[str]:
    """What stands in shell blocks, cut before each curl."""
    cut = re.compile("^(?=curl)", re.MULTILINE)
    return [each for block in blocks for each in cut.split(block) if each]


def run(command: list[str], variables: Mapping[str, str] | None = None) -> str:
    """Standard output of a command that must succeed."""
    env = os.environ | (variables or {})
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_curl(line: str, url: str, **variables: str) -> str:
    """Runs a curl command of a page against the server at `url`."""
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    command = line.replace("curl ", "curl -s ", 1).replace(DEFAULT_URL, url)
    return run(["sh", "-c", command], variables)


def run_python(example: str, url: str) -> str:
    """Runs an example in Python against the server at `url`."""
    return run([sys.executable, "-c", example.replace(DEFAULT_URL, url)])


def named_rows(table: str) -> dict[str, str]:
    """The names in the first column of a table -> what the second says of them."""
    found = re.findall(r"^\| (`.*?) \| (.*?) \|$", table, re.MULTILINE)
    return {name: what for names, what in found for name in re.findall(r"`([\w.]+)`", names)}
