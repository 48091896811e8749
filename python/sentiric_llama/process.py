# SPDX-License-Identifier: AGPL-3.0-only
"""What the kernel says about this process."""

from __future__ import annotations

import re
from pathlib import Path

_OWN = re.compile(r"^(?:RssAnon|VmSwap):\s+(\d+) kB$", re.MULTILINE)
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


def memory_bytes() -> int | None:
    """RssAnon and VmSwap: memory that is this process's alone; a mapped model file is not.

    None where the kernel does not say.
    """
    return _sum(_OWN)


def resident_bytes() -> int | None:
    """All resident memory, the mapped model file's pages included; None where unknown."""
    return _sum(_RESIDENT)


def _sum(pattern: re.Pattern[str]) -> int | None:
    try:
        found = pattern.findall(Path("/proc/self/status").read_text("ascii", "replace"))
    except OSError:
        return None
    return 1024 * sum(map(int, found)) if found else None
