# SPDX-License-Identifier: AGPL-3.0-only
"""What the native engine was built from."""

from __future__ import annotations

import contextlib
import platform
from typing import Any

from sentiric_llama.host.product import version


def build_info() -> dict[str, Any]:
    """Version of this package, of llama.cpp and of what was compiled in."""
    from sentiric_llama import _core

    return dict(_core.build_info())


def build_labels() -> dict[str, str]:
    """Versions of what runs; llama.cpp's commit where the native engine is there."""
    labels = {"version": version(), "python": platform.python_version()}
    with contextlib.suppress(ImportError):
        labels["llama_cpp"] = build_info()["llama_commit"]
    return labels
