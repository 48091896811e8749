# SPDX-License-Identifier: AGPL-3.0-only
"""Checks free space before a download, and turns disk errors into ours."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from sentiric_llama.errors import SentiricLlamaError, Unavailable

_SPARE = 0.05  # of the download: others write to this disk too
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def require_space(folder: Path, size: int) -> None:
    """Raises Unavailable with both numbers unless `size` bytes and a reserve fit."""
    needed = int(max(size, 0) * (1 + _SPARE))
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise Unavailable(
            f"{folder} has {free / 2**20:,.0f} MiB free, {needed / 2**20:,.0f} MiB are needed; "
            "make room (sentiric-llama rm), or set HF_HOME to a larger disk",
            where="model",
        )


def is_full(error: OSError) -> bool:
    """True for a full disk, a quota or a limit on file size."""
    return error.errno in _FULL


def cannot_store(name: str, error: OSError) -> SentiricLlamaError:
    """The error for a failed write."""
    return Unavailable(
        f"cannot store {name}: {error.strerror or type(error).__name__}; "
        "make room, or set HF_HOME to a writable folder",
        where="model",
    )
