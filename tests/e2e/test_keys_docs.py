# SPDX-License-Identifier: AGPL-3.0-only
"""docs/keys.md: its first steps work as written on a system without any folder or key."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from page_examples import Page, run, run_curl
from server_process import ServerProcess

START, CALL, MORE = Page("keys.md").blocks("bash")


def test_the_first_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    made, _, served = START.rpartition("sentiric-llama serve\n")
    assert made and not served
    key = run(["bash", "-euc", made]).strip()
    file = tmp_path / ".config" / "sentiric-llama" / "keys.json"
    assert key.startswith("sk-") and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    server = ServerProcess(keys_file=file).wait_ready()
    try:
        call = re.sub(r"^KEY=.*\n", "", CALL)
        assert "choices" in json.loads(run_curl(call.replace("$KEY", key), server.url))
        refused = json.loads(run_curl(call.replace("$KEY", "sk-other"), server.url))
        assert refused["error"]["code"] == "invalid_api_key"
    finally:
        server.close()
    monkeypatch.setenv("LLM_LLAMA_SERVICE_KEYS_FILE", str(file))
    assert "scraper" in run(["bash", "-euc", MORE]) and "app" not in file.read_text()
