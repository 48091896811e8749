# SPDX-License-Identifier: AGPL-3.0-only
"""docs/grpc.md: its Python runs as written, its table is the table."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from sentiric_llama.errors import ERROR_TABLE
from sentiric_llama.settings.config import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "grpc.md").read_text("utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(block: str, server: Any, cwd: Path | None = None) -> str:
    port = server.grpc_address.rsplit(":", 1)[1]
    assert ":16071" in block
    command = [sys.executable, "-c", block.replace(":16071", f":{port}")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_default_port() -> None:
    assert Settings.model_fields["grpc_port"].default == 16071


def test_first_call(guide: Any) -> None:
    text = run(PYTHON[0], guide)
    assert "16070" in text and text.endswith("(stop)\n")


def test_a_conversation_with_options(guide: Any) -> None:
    text = run(PYTHON[1], guide)
    assert text.startswith("{") and "prompt_tokens" in text


def test_certificates(start: Any, tmp_path: Path) -> None:
    command = re.search(r"^sentiric-llama (certs dev .*) > certs.env$", PAGE, re.MULTILINE)
    assert command
    program = [sys.executable, "-m", "sentiric_llama", *command[1].split()]
    made = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert made.returncode == 0
    found = dict(re.findall(r"^export (\w+)=(.*)$", made.stdout, re.MULTILINE))
    settings = {name.removeprefix("LLM_LLAMA_SERVICE_"): path for name, path in found.items()}
    server = start(**settings, env="production", host="localhost").wait_ready()
    assert run(PYTHON[2], server, tmp_path).strip()
    assert not server.events("TLS_DISABLED")


def test_the_table_of_errors() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (yes)? ?\|$", PAGE, re.MULTILINE)
    table = [(c.value, row.grpc, "yes" * row.is_temporary) for c, row in ERROR_TABLE.items()]
    assert rows == table
