# SPDX-License-Identifier: AGPL-3.0-only
"""Sessions of an agent that begin anew, and what they sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from clients import session_parts
from clients.agents import Claude, Codex, Place, said, script
from clients.server import Record, Server

NAMES = ("Claude Code", "Codex")


class Agent:
    """Claude Code or Codex by name, in a repository of its own."""

    def __init__(self, name: str, server: Server, path: Path) -> None:
        self.name, self.url = name, server.url
        self.place = Place(path)
        self.place.commit()
        self._server = server

    def ask(self, prompt: str, commands: int = 0, **variables: str) -> list[Record]:
        """A session of its own, with so many calls. Returns what went over the wire."""
        begin = len(self._server.exchanges())
        name, argument = ("Bash", "command") if self.is_claude else ("exec_command", "cmd")
        calls = [[(name, {argument: f"echo {number}"})] for number in range(commands)]
        words = f"{prompt}\n{script(*calls)}".strip()
        if self.is_claude:
            ended = Claude(self.url, self.place).ask(words, *Claude.TOOLS, **variables)
            assert not ended["is_error"]
        else:
            assert said(Codex(self.url, self.place).ask(Codex.TRUSTED, words, **variables))
        return [each for each in self._server.exchanges()[begin:] if each["method"] == "POST"]

    @property
    def is_claude(self) -> bool:
        return self.name == "Claude Code"

    def rules(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """What changes in one folder, and what changes with the folder."""
        if self.is_claude:
            return session_parts.CLAUDE, session_parts.CLAUDE_FOLDER
        return session_parts.CODEX, session_parts.CODEX_FOLDER
