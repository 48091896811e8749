# SPDX-License-Identifier: AGPL-3.0-only
"""Claude Code and Codex without a terminal, each in a home and a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

Done = subprocess.CompletedProcess[str]
PROGRAMS = Path(__file__).parent / "node_modules" / ".bin"
LONGEST_S = 300
NOTES = "the number is 1234\n"


def program(name: str) -> Path:
    """The command of an agent; skips the test where it is not installed."""
    if shutil.which("node") is None:
        pytest.skip("needs node and npm")
    found = PROGRAMS / name
    if not found.exists():
        pytest.skip(f"{name} is not installed: make clients does it")
    return found


class Place:
    """Where an agent works: nothing of the user's own is read or written."""

    def __init__(self, path: Path) -> None:
        self.home, self.folder = path / "home", path / "project"
        self.home.mkdir(parents=True)
        self.folder.mkdir()
        self.notes = self.folder / "notes.txt"
        self.notes.write_text(NOTES)

    def run(
        self, command: Sequence[str | Path], **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
        )


class Claude:
    """`claude -p`."""

    TOOLS = ("--allowedTools", "Bash,Read,Write,Edit,Grep,Glob")

    def __init__(self, url: str, place: Place, **variables: str) -> None:
        self._program = program("claude")
        self._place = place
        self._variables = {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        } | variables

    def ask(self, prompt: str, *flags: str, **variables: str) -> dict[str, Any]:
        """What it ends with: `result`, `is_error`, `num_turns` and more."""
        command = [self._program, "-p", prompt, "--output-format", "json", *flags]
        made = self._place.run(command, **(self._variables | variables))
        assert made.stdout, made.stderr[-2000:]
        ended: dict[str, Any] = json.loads(made.stdout)
        return ended


class Codex:
    """`codex exec`."""

    TRUSTED = "--dangerously-bypass-approvals-and-sandbox"

    def __init__(self, url: str, place: Place) -> None:
        self._program = program("codex")
        self._place = place
        self._url = url
        config = place.home / ".codex" / "config.toml"
        config.parent.mkdir(exist_ok=True)
        config.write_text(
            'model = "scripted"\nmodel_provider = "sentiric"\n\n'
            '[model_providers.sentiric]\nname = "sentiric"\n'
            f'base_url = "{url}/v1"\nwire_api = "responses"\n'
        )

    def ask(self, *arguments: str, **variables: str) -> list[dict[str, Any]]:
        """Its events."""
        command = [self._program, "exec", "--json", "--skip-git-repo-check", *arguments]
        made = self._place.run(command, **variables)
        events = [json.loads(line) for line in made.stdout.splitlines() if line.startswith("{")]
        assert made.returncode == 0, (events[-3:], made.stderr[-3000:])
        return events


def said(events: list[dict[str, Any]]) -> str:
    """The last message of Codex."""
    items = [event["item"] for event in events if event["type"] == "item.completed"]
    return str([item["text"] for item in items if item["type"] == "agent_message"][-1])
