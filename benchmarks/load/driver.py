# SPDX-License-Identifier: AGPL-3.0-only
"""Starts the generator with a plan and reads what it saw."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.client import RequestFailed
from benchmarks.tools import ROOT


class Generator:
    """One plan in a process of its own, from construction to `result()`."""

    def __init__(self, what: str, port: int, **plan: Any) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"what": what, "port": port, **plan}))
        self._child.stdin.close()

    def wait_running(self) -> None:
        """Until the first text of a stream is there, or its end."""
        assert self._child.stdout is not None
        self._child.stdout.readline()

    def stop(self) -> dict[str, Any]:
        """Tells a stream to leave."""
        self._child.terminate()
        return self.result()

    def result(self) -> dict[str, Any]:
        """Waits for the end. Raises RequestFailed with the end of what it complained about."""
        assert self._child.stdout is not None
        out = self._child.stdout.read()
        self._child.stdout.close()
        if self._child.wait() != 0:
            raise RequestFailed(f"the load generator failed: {out[-400:]}")
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found


def generate(what: str, port: int, **plan: Any) -> dict[str, Any]:
    return Generator(what, port, **plan).result()
