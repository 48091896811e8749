# SPDX-License-Identifier: AGPL-3.0-only
"""Where `make bench-tools` puts what we compare with."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
_FOLDERS = {"cpu": ROOT / "build" / "bench", "cuda": ROOT / "build" / "bench-cuda"}


def path(name: str, device: str = "cpu") -> Path:
    """A built tool. Raises FileNotFoundError that says how to build it."""
    found = _FOLDERS[device] / "bin" / name
    if found.is_file():
        return found
    command = "make bench-tools" + (" DEVICE=cuda" if device == "cuda" else "")
    raise FileNotFoundError(f"[benchmarks] {name} is not built; run: {command}")


def quantize() -> Path:
    """Of either build: where it runs does not change what it writes."""
    built = (folder / "bin" / "bench-quantize" for folder in _FOLDERS.values())
    return next((file for file in built if file.is_file()), None) or path("bench-quantize")
