# SPDX-License-Identifier: AGPL-3.0-only
"""The clients in JavaScript; their tests are in `node/` and run one file each."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from clients.conftest import Seen
from clients.server import Server

FOLDER = Path(__file__).parent
LONGEST_S = 300


@pytest.mark.refusals  # some are refused on purpose: the scripts say which
@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("openai", {"/v1/chat/completions", "/v1/responses", "/v1/embeddings"}),
        ("anthropic", {"/v1/messages", "/v1/messages/count_tokens"}),
        ("ai", {"/v1/chat/completions", "/v1/responses"}),
    ],
)
def test_script(server: Server, seen: Seen, name: str, paths: set[str]) -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("needs node and npm")
    if not (FOLDER / "node_modules").exists():
        pytest.skip("not installed: make clients does it")
    command = [node, "--test-reporter=tap", f"node/{name}.mjs", server.url]
    made = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert set(seen.paths) == paths
    assert not [each for each in seen.asked if each["forbidden"]]
