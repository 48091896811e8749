# SPDX-License-Identifier: AGPL-3.0-only
"""Formats sizes for people."""

from __future__ import annotations


def human_bytes(count: int) -> str:
    """A size with a unit, such as `1.50 GiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.2f} GiB"
