# SPDX-License-Identifier: AGPL-3.0-only
"""What is downloaded, and with how much patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sentiric_llama.models.digest import Digest


@dataclass(frozen=True, slots=True)
class Source:
    """A file's URL and its expected content. `size` in bytes, None when unknown."""

    name: str
    url: str
    size: int | None = None
    digest: Digest | None = None
    is_pinned: bool = False
    """The checksum comes from the user, not from the server; see `hops`."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Patience:
    """When to retry and when to give up. Times in seconds."""

    tries: int = 5
    """In a row that brought less than `slow_bytes` each."""
    backoff_s: float = 1.0
    """Before the second try; doubles for each further one."""
    stall_s: float = 30.0
    """The longest silence, and the time in which `slow_bytes` must arrive."""
    slow_bytes: int = 1024
