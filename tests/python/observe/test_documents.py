# SPDX-License-Identifier: AGPL-3.0-only
"""The pages for operators say what the source does."""

from __future__ import annotations

import re
from pathlib import Path

from sentiric_llama.errors import ERROR_TABLE, ErrorCode
from sentiric_llama.server.serve import EXIT_ENGINE_LOST, EXIT_INTERRUPTED
from sentiric_llama.service.readiness import Readiness
from sentiric_llama.settings.config import Settings

ROOT = Path(__file__).parents[3]
LOGS = (ROOT / "docs" / "logs.md").read_text("utf-8")
OPERATION = (ROOT / "docs" / "operation.md").read_text("utf-8")
SOURCES = sorted((ROOT / "python" / "sentiric_llama").rglob("*.py"))


def test_every_event_is_described() -> None:
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    calls = re.findall(r"\bevent\(\s*logger,\s*\"([A-Z_]+)\"", text)
    logged = {*calls, *re.findall(r'"event": "([A-Z_]+)"', text)}
    logged |= set(re.findall(r'_log\("([A-Z_]+)"', text))
    assert len(logged) > 15
    described = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", LOGS))
    missing = sorted(logged - described)
    assert not missing, f"write them into docs/logs.md: {missing}"


def test_exit_codes() -> None:
    described = set(map(int, re.findall(r"^\| (\d+) \|", OPERATION, re.MULTILINE)))
    cancelled = ERROR_TABLE[ErrorCode.CANCELLED].exit_code
    assert cancelled == EXIT_INTERRUPTED
    own = {0, EXIT_INTERRUPTED, EXIT_ENGINE_LOST}
    assert described == own | {row.exit_code for row in ERROR_TABLE.values()}


def test_states_and_defaults() -> None:
    for state in Readiness:
        assert f"`{state.value}`" in OPERATION
    for setting in ("drain_settle_s", "drain_timeout_s"):
        default = Settings.model_fields[setting].default
        assert f"`{setting.upper()}` seconds ({default})" in OPERATION, setting


def test_settings_that_are_named_exist() -> None:
    known = {name.upper() for name in Settings.model_fields}
    for text in (LOGS, OPERATION):
        named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*)(?:=\w+)?`", text))
        settings = {name for name in named if name.split("_")[0] in ("DRAIN", "STALL", "ENABLE")}
        assert settings <= known
    assert "LOG_CONTENT" in known
