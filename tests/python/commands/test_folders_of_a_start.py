# SPDX-License-Identifier: AGPL-3.0-only
"""`config check` sees folders and files as the start sees them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama import cli


def check(capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, dict[str, Any]]:
    code = cli.main(["config", "check", "--json", *flags])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, answer


@pytest.mark.parametrize("path", ["/etc/passwd", "/nowhere/at/all"])
def test_adapters_need_a_folder(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = check(capsys, "--lora-dir", path)
    assert code == 2 and "--lora-dir: got" in answer["errors"][0]["message"]


def test_a_draft_model_needs_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = check(capsys, "--draft-model", "/etc/passwd", "--speculation", "draft")
    assert code != 0 and "not a GGUF file" in answer["errors"][0]["message"]


def test_a_cache_in_no_folder_is_off(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, answer = check(capsys, "--disk-cache-dir", "/etc/passwd")
    assert any("the disk cache stays off" in line for line in answer["warnings"])
    (tmp_path / "kv-states").mkdir(mode=0o755)
    (tmp_path / "kv-states").chmod(0o755)
    _, answer = check(capsys, "--disk-cache-dir", str(tmp_path))
    assert any("mode 0700" in line for line in answer["warnings"])
    (tmp_path / "kv-states").chmod(0o700)
    for good in (tmp_path, tmp_path / "new" / "one"):
        _, answer = check(capsys, "--disk-cache-dir", str(good))
        assert not any("disk" in line for line in answer["warnings"])
    assert not (tmp_path / "new").exists()
