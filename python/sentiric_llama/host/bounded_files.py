# SPDX-License-Identifier: AGPL-3.0-only
"""Reads whole files of limited size. Devices, which may never end, are refused."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from sentiric_llama.host.sizes import human_bytes

MAX_SETTINGS_BYTES = 2**20
"""Of a file with settings or profiles."""
MAX_PEM_BYTES = 2**20
"""Of a file with certificates or a key."""
_NEVER_WAITS = getattr(os, "O_NONBLOCK", 0)
_CLOSES = getattr(os, "O_CLOEXEC", 0)


def read_bounded(
    path: Path | str, most: int = MAX_SETTINGS_BYTES, *, may_be_pipe: bool = False
) -> bytes:
    """The content of a regular file of at most `most` bytes; `~` is the home folder.

    `may_be_pipe` also takes a pipe, such as `<(pass show key)`, and waits for its end. Raises
    OSError whose `strerror` says why it cannot be read.
    """
    place = os.path.expanduser(path)
    flags = os.O_RDONLY | _CLOSES | (0 if may_be_pipe else _NEVER_WAITS)
    try:
        descriptor = os.open(place, flags)
    except ValueError:  # a NUL byte
        raise OSError(errno.EINVAL, "not a path") from None
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), place)
        if not (stat.S_ISREG(kind) or (may_be_pipe and stat.S_ISFIFO(kind))):
            raise OSError(errno.EINVAL, "not a regular file", place)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {human_bytes(most)}", place)
    return content
