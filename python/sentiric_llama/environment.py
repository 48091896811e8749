# SPDX-License-Identifier: AGPL-3.0-only
"""The one door to the process's environment: a test keeps every other module away from it."""

from __future__ import annotations

import os
from collections.abc import Mapping


def environ() -> Mapping[str, str]:
    """The variables as they are now."""
    return os.environ


def set_default_variable(name: str, value: str) -> None:
    """For libraries that listen to the environment alone; what a user set stays."""
    os.environ.setdefault(name, value)
