# SPDX-License-Identifier: AGPL-3.0-only
"""How much memory this process may still take, and who says so.

Read from /proc and /sys of Linux; elsewhere only the address space limit is known. `root` stands
before both, for tests.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_UNLIMITED = 2**60
"""Control groups write numbers of this order for no limit."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes that are still free under one bound."""

    name: str
    free: int
    total: int
    counts_virtual: bool = False
    """The bound counts what is reserved, touched or not."""


def memory_budgets(root: Path = Path("/")) -> list[Budget]:
    """Every bound on this process, the tightest first."""
    found = [*_ram(root), *_groups(root), *_address_space(root)]
    return sorted(found, key=lambda budget: budget.free)


def _ram(root: Path) -> Iterator[Budget]:
    facts = _pairs(root / "proc/meminfo")
    if "MemAvailable" in facts:
        yield Budget("RAM", facts["MemAvailable"] * 1024, facts["MemTotal"] * 1024)


def _groups(root: Path) -> Iterator[Budget]:
    """The group of this process and all groups above it, versions 1 and 2."""
    mount = root / "sys/fs/cgroup"
    for controllers, group in memberships(root):
        if controllers == "":
            base, limit, usage, cache = mount, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            base, limit = mount / "memory", "memory.limit_in_bytes"
            usage, cache = "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        for folder in _with_parents(base, group):
            total = _number(folder / limit)
            if total is not None and total < _UNLIMITED:
                used = _number(folder / usage) or 0
                # The kernel drops cached files of a group before it kills one of its processes.
                used -= min(used, _pairs(folder / "memory.stat").get(cache, 0))
                name = f"cgroup limit {limit} of {group if folder != base else '/'}"
                yield Budget(name, max(0, total - used), total)


def memberships(root: Path) -> list[tuple[str, str]]:
    """(controllers, group) of this process; the root groups when the file is hidden."""
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    parts = [line.split(":", 2) for line in lines if line.count(":") >= 2]
    return [(controllers, group) for _, controllers, group in parts] or [("", "/"), ("memory", "/")]


def _with_parents(base: Path, group: str) -> Iterator[Path]:
    folder = Path(group.strip("/"))
    for part in (folder, *folder.parents):
        yield base / part


def _address_space(root: Path) -> Iterator[Budget]:
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        used = _pairs(root / "proc/self/status").get("VmSize", 0) * 1024
        yield Budget("address space limit (ulimit -v)", max(0, soft - used), soft, True)


def resident_bytes(root: Path = Path("/")) -> int:
    """What this process holds now; 0 when the system does not say."""
    return _pairs(root / "proc/self/status").get("VmRSS", 0) * 1024


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):  # absent, or "max"
        return None


def _pairs(path: Path) -> dict[str, int]:
    """`name: number unit` or `name number` of each line."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    words = (line.replace(":", " ").split() for line in lines)
    return {word[0]: int(word[1]) for word in words if len(word) > 1 and word[1].isdigit()}
