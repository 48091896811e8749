# SPDX-License-Identifier: AGPL-3.0-only
"""Blocks the native engine in this process, for tests of the rooms above the engine protocol."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import sentiric_llama

# Folders and files in tests/python that run with the native engine blocked.
WITHOUT_ENGINE = (
    *("http_api", "rpc", "observe", "test_service.py", "test_switching.py", "test_queue_share.py"),
    *("commands/test_doctor.py", "commands/test_ps.py", "test_seams.py"),
)

NATIVE = "sentiric_llama._core"

_loaded: dict[str, ModuleType] = {}
"""The native module while it is blocked. It cannot be initialised twice in a process."""


def is_without_engine(path: Path) -> bool:
    """True for a file whose tests run with the native engine blocked."""
    place = path.as_posix()
    return any(f"/tests/python/{name}" in place for name in WITHOUT_ENGINE)


def block() -> None:
    """Makes every import of the native engine fail."""
    if (module := sys.modules.get(NATIVE)) is not None:
        _loaded[NATIVE] = module
    sys.modules[NATIVE] = None  # type: ignore[assignment]
    vars(sentiric_llama).pop("_core", None)


def unblock() -> None:
    """Ends the block."""
    del sys.modules[NATIVE]
    if NATIVE in _loaded:
        sys.modules[NATIVE] = vars(sentiric_llama)["_core"] = _loaded[NATIVE]
