# SPDX-License-Identifier: AGPL-3.0-only
"""Where `make bench-tools` puts what we compare with."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
_FOLDERS = {"cpu": ROOT / "build" / "bench", "cuda": ROOT / "build" / "bench-cuda"}


def path(name: str, device: str = "cpu") -> Path:
    """A built tool. Raises FileNotFoundError that says how to build it."""
    for folder in (_FOLDERS[device] / "bin", _FOLDERS[device]):
        if (folder / name).is_file():
            return folder / name
    command = "make bench-tools" + (" DEVICE=cuda" if device == "cuda" else "")
    raise FileNotFoundError(f"[benchmarks] {name} is not built; run: {command}")
