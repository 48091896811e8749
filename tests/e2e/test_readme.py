# SPDX-License-Identifier: AGPL-3.0-only
"""The examples of the README run as they are written; only the port and the model are ours."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
DEFAULT_URL = "http://127.0.0.1:16070"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def run(command: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, timeout=120, cwd=cwd)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_the_default_port_is_the_one_written() -> None:
    from sentiric_llama.settings.config import Settings

    settings = Settings.model_fields
    default = f"http://{settings['host'].default}:{settings['http_port'].default}"
    assert default == DEFAULT_URL and DEFAULT_URL in README


def test_curl(guide: Any) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    examples = [block for block in blocks("bash") if block.startswith("curl")]
    assert examples
    for example in examples:
        output = run(["sh", "-c", example.replace(DEFAULT_URL, guide.url)])
        assert output.rstrip().endswith("data: [DONE]")


def test_openai_client(guide: Any) -> None:
    examples = [block for block in blocks("python") if "from openai" in block]
    assert examples
    for example in examples:
        output = run([sys.executable, "-c", example.replace(DEFAULT_URL, guide.url)])
        assert "16070" in output


def test_library(guide_path: Path, tmp_path: Path) -> None:
    examples = [block for block in blocks("python") if "import Engine" in block]
    assert examples
    shutil.copy(guide_path, tmp_path / "model.gguf")
    for example in examples:
        assert "Usage(" in run([sys.executable, "-c", example], cwd=tmp_path)
