# SPDX-License-Identifier: AGPL-3.0-only
"""How tests run a command: to its end, or in a terminal. The fixtures are in e2e/conftest.py."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from terminal_process import TerminalProcess

Run = Callable[..., subprocess.CompletedProcess[str]]
Open = Callable[..., TerminalProcess]

NOWHERE = ("--url", "http://127.0.0.1:9")
"""Whoever asks there has not used gRPC."""
