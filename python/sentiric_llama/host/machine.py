# SPDX-License-Identifier: AGPL-3.0-only
"""How much memory this process may still take, and who says so.

RAM and control groups as the engine reads them from /proc and /sys of Linux, and the address space
limit, which binds elsewhere, too. `root` stands before both folders, for tests.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


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
    from sentiric_llama import _host

    touched = [Budget(b.name, b.free, b.total) for b in _host.memory_budgets(str(root))]
    return sorted([*touched, *_address_space(root)], key=lambda budget: budget.free)


def _address_space(root: Path) -> Iterator[Budget]:
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        used = _pairs(root / "proc/self/status").get("VmSize", 0) * 1024
        yield Budget("address space limit (ulimit -v)", max(0, soft - used), soft, True)


def resident_bytes(root: Path = Path("/")) -> int:
    """What this process holds now; 0 when the system does not say."""
    return _pairs(root / "proc/self/status").get("VmRSS", 0) * 1024


def _pairs(path: Path) -> dict[str, int]:
    """`name: number unit` or `name number` of each line."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    words = (line.replace(":", " ").split() for line in lines)
    return {word[0]: int(word[1]) for word in words if len(word) > 1 and word[1].isdigit()}
