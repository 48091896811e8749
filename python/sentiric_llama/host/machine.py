# SPDX-License-Identifier: AGPL-3.0-only
"""How much more memory this process may use: limits of RAM, control groups and address space.

The engine reads RAM and control groups from Linux's /proc and /sys; tests pass another `root` for
both. The limit of the address space exists on other systems, too.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentiric_llama.host.process import status_bytes


@dataclass(frozen=True, slots=True)
class Budget:
    """The bytes that one limit leaves free."""

    name: str
    free: int
    total: int
    counts_virtual: bool = False
    """The limit counts reserved address space, even if it was never touched."""


def memory_budgets(root: Path = Path("/")) -> list[Budget]:
    """Every limit on this process, the tightest first."""
    from sentiric_llama import _host

    touched = [Budget(b.name, b.free, b.total) for b in _host.memory_budgets(str(root))]
    return sorted([*touched, *_address_space(root)], key=lambda budget: budget.free)


def out_of_memory_kills(root: Path = Path("/")) -> int:
    """How many processes of this control group the kernel has killed because memory ran out."""
    from sentiric_llama import _host

    return _host.out_of_memory_kills(str(root))


def _address_space(root: Path) -> Iterator[Budget]:
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        used = status_bytes("VmSize", root=root) or 0
        yield Budget("address space limit (ulimit -v)", max(0, soft - used), soft, True)
