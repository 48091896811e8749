# SPDX-License-Identifier: AGPL-3.0-only
"""Agents whose conversation outgrows a context of 32 768 tokens of the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from clients.agents import Claude, Codex, Place, said, script
from clients.conftest import Seen
from clients.server import Server

ENGINE_MODEL = "qwen2-32k-q8_0"
NUMBERS = "seq 1 2000"
"""About 9 000 tokens of output."""


@pytest.mark.refusals
def test_claude_code_compacts_when_it_is_refused(
    server: Server, tmp_path: Path, seen: Seen
) -> None:
    turns = [[("Bash", {"command": NUMBERS})]] * 3
    ended = Claude(server.url, Place(tmp_path)).ask(script(*turns), *Claude.TOOLS)
    assert not ended["is_error"]
    posted = [each for each in seen.exchanges if each["method"] == "POST"]
    assert [each["status"] for each in posted] == [200, 200, 400, 200, 200]
    assert posted[2]["answer"]["error"]["message"].startswith("prompt is too long: ")
    assert "CRITICAL: Respond with TEXT ONLY" in str(posted[3]["body"]["messages"][-1])


def test_codex_compacts_before_its_own_limit(server: Server, tmp_path: Path, seen: Seen) -> None:
    turns = [[("exec_command", {"cmd": NUMBERS})]] * 3
    limits = ("model_context_window=32768", "model_auto_compact_token_limit=20000")
    options = [word for limit in limits for word in ("-c", limit)]
    assert said(Codex(server.url, Place(tmp_path)).ask(*options, Codex.TRUSTED, script(*turns)))
    assert [bool(body.get("tools")) for body in seen.bodies] == [True, True, True, False, True]
