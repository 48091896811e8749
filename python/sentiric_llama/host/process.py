# SPDX-License-Identifier: AGPL-3.0-only
"""Open files and memory of this process, as the kernel reports them."""

from __future__ import annotations

import contextlib
import re
import resource
from pathlib import Path

SPARE_FILES = 128
"""Open files besides one per connection: models, metrics, gRPC, the reserve for probes."""

_STATUS_LINE = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)


def allow_connections(wanted: int) -> int:
    """How many of `wanted` connections the limit of open files allows; at least eight.

    Raises the limit of the process as far as the system allows.
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


def memory_bytes(*pids: int) -> int | None:
    """RssAnon and VmSwap: private memory, without the mapped model file; None if unknown.

    Of this process and of `pids`.
    """
    return _sum_of(pids, "RssAnon", "VmSwap")


def resident_bytes(*pids: int) -> int | None:
    """All resident memory, including pages of the mapped model file; None if unknown.

    Of this process and of `pids`.
    """
    return _sum_of(pids, "VmRSS")


def _sum_of(pids: tuple[int, ...], *names: str) -> int | None:
    own = status_bytes(*names)
    return own and own + sum(status_bytes(*names, pid=pid) or 0 for pid in pids)


def status_bytes(*names: str, root: Path = Path("/"), pid: int | None = None) -> int | None:
    """The sum of sizes in a process's status, this one's if none is named; None without them."""
    try:
        text = (root / "proc" / str(pid or "self") / "status").read_text("ascii", "replace")
    except OSError:
        return None
    found = [int(size) for name, size in _STATUS_LINE.findall(text) if name in names]
    return 1024 * sum(found) if found else None


def give_memory_back() -> bool:
    """Returns freed memory to the system. True if there was any."""
    try:
        from sentiric_llama import _host
    except ImportError:
        return False
    return _host.trim_heap()
