# SPDX-License-Identifier: AGPL-3.0-only
"""The scripted server as a process of its own, and what it wrote down.

It runs on the Python that has the package: the clients' own packages stand in another environment.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
PYTHON = TESTS.parent / ".venv" / "bin" / "python"
END_S = 60

Record = dict[str, Any]


def environment() -> dict[str, str]:
    """Of whatever runs on the package's Python."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"PYTHONPATH": str(TESTS)}


def model_file(name: str) -> str:
    """A small model with random weights, which is made unless it is there."""
    command = [str(PYTHON), "-m", "models", name]
    made = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return made.stdout.strip()


class Server:
    """Starts at once, in `folder`, where its two logs are."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [str(PYTHON), "-m", "clients.served", str(folder / "log"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "stderr").open("w"),
            text=True,
            env=environment(),
        )
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        assert self.url, (folder / "stderr").read_text()

    @property
    def v1(self) -> str:
        """Where OpenAI's clients begin."""
        return f"{self.url}/v1"

    def exchanges(self) -> list[Record]:
        """Requests and answers, in the order in which they ended."""
        return self._records("http")

    def asked(self) -> list[Record]:
        """What the engine was asked for."""
        return self._records("engine")

    def _records(self, kind: str) -> list[Record]:
        path = self._folder / f"log.{kind}"
        text = path.read_text("utf-8") if path.exists() else ""
        # The last line may be half written.
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].split("\n")[:-1]]

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(END_S) == 0, (self._folder / "stderr").read_text()[-2000:]
