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
OFFLINE = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"} | {
    "NO_PROXY": "127.0.0.1"
}
"""Whatever would leave this machine finds nobody."""
NOTES = "the number is 1234\n"


def program(name: str) -> Path:
    """The command of an agent; skips the test where it is not installed."""
    if shutil.which("node") is None:
        pytest.skip("needs node and npm")
    found = PROGRAMS / name
    if not found.exists():
        pytest.skip(f"{name} is not installed: make clients does it")
    return found


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
"""A picture of one pixel."""


def script(*turns: Sequence[tuple[str, Any]]) -> str:
    """What a user says so that the model makes these calls, turn by turn."""
    lines = [
        f"{'AND ' if index else ''}CALL {name} {json.dumps(arguments)}"
        for turn in turns
        for index, (name, arguments) in enumerate(turn)
    ]
    return "\n".join(lines)


class Place:
    """Where an agent works: nothing of the user's own is read or written."""

    def __init__(self, path: Path) -> None:
        self.home, self.folder = path / "home", path / "project"
        self.home.mkdir(parents=True)
        self.folder.mkdir()
        self.notes = self.folder / "notes.txt"
        self.notes.write_text(NOTES)

    def commit(self) -> None:
        """Makes the folder a repository with one commit."""
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
            subprocess.run([*git, *words], cwd=self.folder, check=True)

    def run(self, command: Sequence[str | Path], **variables: str) -> Done:
        return subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), **OFFLINE, **variables},
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
