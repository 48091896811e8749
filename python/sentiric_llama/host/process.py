# SPDX-License-Identifier: AGPL-3.0-only
"""What the kernel says about this process."""

from __future__ import annotations

import contextlib
import re
import resource
from pathlib import Path

SPARE_FILES = 128
"""Open files beside one for each connection: models, metrics, gRPC, the reserve for probes."""

_OWN = re.compile(r"^(?:RssAnon|VmSwap):\s+(\d+) kB$", re.MULTILINE)
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


def allow_connections(wanted: int) -> int:
    """How many of `wanted` connections the limit of open files has room for; at least eight.

    Raises the process's own limit as far as the system lets it.
    """
    needed = wanted + SPARE_FILES
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return wanted
    target = needed if most == resource.RLIM_INFINITY else min(needed, most)
    if allowed < target:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, most))
            allowed = target
    return min(wanted, max(allowed - SPARE_FILES, 8))


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


def give_memory_back() -> bool:
    """Memory that was freed and is still this process's; whether there was any."""
    try:
        from sentiric_llama import _host
    except ImportError:
        return False
    return _host.trim_heap()
