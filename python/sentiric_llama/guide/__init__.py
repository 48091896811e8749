# SPDX-License-Identifier: AGPL-3.0-only
"""The guide: the tiny built-in model, used if no other is configured; see CARD.md."""

from __future__ import annotations

import pathlib


def path() -> pathlib.Path:
    """Path of the model file, without checking it."""
    return pathlib.Path(__file__).parent / "guide.gguf"
