# SPDX-License-Identifier: AGPL-3.0-only
"""The guide: the tiny model that answers when no real model is configured; see CARD.md."""

from __future__ import annotations

import pathlib


def path() -> pathlib.Path:
    """Where the model file lies; it is not opened or checked."""
    return pathlib.Path(__file__).parent / "guide.gguf"
