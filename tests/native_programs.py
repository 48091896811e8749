# SPDX-License-Identifier: AGPL-3.0-only
"""Programs in C++ that tests run. `make test-native` builds them, or else their first use."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build/dev"
"""Where `make install` has configured them."""


def built(path: str) -> Path:
    """The program at this path of the build. Fails, with the reason, if it cannot be built."""
    program = BUILD / "tests/cpp" / path
    if program.exists():
        return program
    with (BUILD / ".native_programs").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # other workers of pytest want it, too
        if not program.exists():
            command = ["cmake", "--build", str(BUILD), "--target", program.name]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"make test-native builds it: {done.stdout}{done.stderr}"
    return program
