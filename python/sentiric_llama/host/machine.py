# SPDX-License-Identifier: AGPL-3.0-only
"""How much more memory a process may use: limits of RAM, control groups and address space.

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
    is_of_another: bool = False
    """It limits another process alone: what this one frees leaves that one no more."""


def memory_budgets(root: Path = Path("/"), engine: int | None = None) -> list[Budget]:
    """Every limit on this process, the tightest first.

    `engine`: the process that is to hold the model, if that is another one. It shares RAM and
    control groups with this one, but has an address space of its own.
    """
    from sentiric_llama import _host

    touched = [Budget(b.name, b.free, b.total) for b in _host.memory_budgets(str(root))]
    return sorted([*touched, *_address_space(root, engine)], key=lambda budget: budget.free)


def out_of_memory_kills(root: Path = Path("/")) -> int:
    """How many processes of this control group the kernel has killed because memory ran out."""
    from sentiric_llama import _host

    return _host.out_of_memory_kills(str(root))


def _address_space(root: Path, engine: int | None) -> Iterator[Budget]:
    try:
        soft, _ = (
            resource.getrlimit(resource.RLIMIT_AS)
            if engine is None
            else resource.prlimit(engine, resource.RLIMIT_AS)
        )
    except ProcessLookupError:  # it has just died, as opening will tell
        return
    if soft != resource.RLIM_INFINITY:
        used = status_bytes("VmSize", root=root, pid=engine) or 0
        name = "address space limit (ulimit -v)"
        yield Budget(name, max(0, soft - used), soft, True, engine is not None)
