# SPDX-License-Identifier: AGPL-3.0-only
"""Patterns mean what they mean in JavaScript."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "grammar"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_random_patterns_match_what_node_matches() -> None:
    """`tests/grammar/patterns_against_node.py` says how to try more."""
    command = [sys.executable, str(FOLDER / "patterns_against_node.py"), "--count", "2000"]
    program = [sys.executable, str(FOLDER / "pattern_program.py")]
    done = subprocess.run([*command, *program], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
