# SPDX-License-Identifier: AGPL-3.0-only
"""Name and version of the installed distribution."""

from __future__ import annotations

import functools
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
"""The folder of the import package."""
SERVICE_NAME = "sentiric-llm-llama-service"
PREFIX = "LLM_LLAMA_SERVICE_"
"""Prefix of every environment variable that is a setting."""


@functools.cache
def version() -> str:
    """Version of the installed distribution; "0.0.0" in a source tree."""
    from importlib import metadata  # slow to import, and few callers need the version

    try:
        return metadata.version(SERVICE_NAME)
    except metadata.PackageNotFoundError:
        return "0.0.0"
