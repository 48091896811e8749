# SPDX-License-Identifier: AGPL-3.0-only
"""Standard streams that are full, closed, or of another encoding: never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sentiric_llama.host import terminal
from sentiric_llama.host.terminal import Terminal

COMMANDS = ("config show", "--help", "serve --help", "help plan", "version", "completion bash")


def run(words: str, redirect: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """A line of a shell; what it redirects is redirected there."""
    command = f"{sys.executable} -m sentiric_llama {words} {redirect}"
    return subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(sys.path)} | variables,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [*COMMANDS, "config show --json", "config show --color always"])
def test_a_full_disk_is_told(words: str) -> None:
    done = run(words, ">/dev/full")
    assert done.returncode == 9
    assert b"[standard output] cannot write: No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr
    assert run("plan nope.gguf", "2>/dev/full").returncode == 3


@pytest.mark.parametrize("words", [*COMMANDS, "config show --json", "config check"])
def test_closed_streams_take_nothing(words: str) -> None:
    for redirect in (">&-", "2>&-", ">&- 2>&-", "<&-"):
        done = run(words, redirect)
        assert (done.returncode, done.stderr) == (0, b""), redirect


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "ascii:strict"])
def test_any_encoding_will_do(encoding: str) -> None:
    for words in ("--help", "config show --color always", "doctor --http-port 0", "plan nope.gguf"):
        done = run(f"--lang tr {words}", PYTHONIOENCODING=encoding)
        assert b"Traceback" not in done.stderr and (done.stdout or done.stderr), words
    found = run("doctor --http-port 0 --json --lang tr", PYTHONIOENCODING=encoding).stdout
    assert json.loads(found.decode("ascii"))


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_is_terminal", lambda _: True)
    monkeypatch.setenv("TERM", "xterm")
    assert Terminal().draws_answers and Terminal().can_redraw
    monkeypatch.setenv("TERM", "dumb")
    assert not Terminal().draws_answers and not Terminal(color="always").can_redraw
