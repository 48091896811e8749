# SPDX-License-Identifier: AGPL-3.0-only
"""A control group that limits the memory of several processes together, where one can be made."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from http_client import wait_until

ROOT = Path("/sys/fs/cgroup")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
V2 = ("memory.max", "memory.current", "inactive_file")


class MemoryGroup:
    """An empty group in `folder`, whose limit can be set."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        is_v1 = (folder / V1[0]).exists()
        self._limit, self._usage, self._cache = V1 if is_v1 else V2
        self.program = (
            *("/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(folder / "cgroup.procs")),
            *(sys.executable, "-m", "sentiric_llama"),
        )
        """Starts the command in the group, and thus all its children."""

    def leave(self, free: int) -> None:
        """Sets the limit so that this much more may be used, as the planner counts it."""
        usage = int((self._folder / self._usage).read_text())
        stat = (self._folder / "memory.stat").read_text()
        cache = int(re.findall(rf"^{self._cache} (\d+)$", stat, re.MULTILINE)[0])
        (self._folder / self._limit).write_text(str(usage - cache + free))


@contextlib.contextmanager
def memory_group() -> Iterator[MemoryGroup | None]:
    """A group, or None where this user or this system cannot make one."""
    folder = next(filter(None, map(_made, _parents())), None)
    try:
        yield None if folder is None else MemoryGroup(folder)
    finally:
        if folder is not None:
            assert wait_until(lambda: _is_removed(folder))


def _parents() -> Iterator[Path]:
    """Groups that may take another one: our own, or the one around it."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        mount = ROOT if not controllers else ROOT / "memory"
        if not controllers or "memory" in controllers.split(","):
            own = mount / path.lstrip("/")
            yield from (own, own.parent) if own != mount else (own,)


def _made(parent: Path) -> Path | None:
    folder = parent / f"sentiric-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        return None
    names = (V1[0], V2[0])
    if any(os.access(folder / name, os.W_OK) for name in names if (folder / name).exists()):
        return folder
    folder.rmdir()
    return None


def _is_removed(folder: Path) -> bool:
    """False while a process in it has not quite ended."""
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.exists()
