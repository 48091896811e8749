# SPDX-License-Identifier: AGPL-3.0-only
"""Reads whole files of limited size. Devices, which may never end, are refused.

`read_beneath` takes names that strangers choose: nothing outside its folder is ever opened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path, PurePosixPath

from sentiric_llama.host.sizes import human_bytes

MAX_SETTINGS_BYTES = 2**20
"""Of a file with settings or profiles."""
MAX_PEM_BYTES = 2**20
"""Of a file with certificates or a key."""
_NEVER_WAITS = getattr(os, "O_NONBLOCK", 0)
_CLOSES = getattr(os, "O_CLOEXEC", 0)
_NO_LINK = os.O_RDONLY | _CLOSES | getattr(os, "O_NOFOLLOW", 0)
_FOLDER = _NO_LINK | getattr(os, "O_DIRECTORY", 0)


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


class OutsideFolder(Exception):
    """The name leads out of the folder."""


def read_beneath(folder: str, name: str, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes beneath `folder`.

    Follows links that stay beneath it. Raises OutsideFolder, or OSError if there is no such file
    (ENOENT, ENOTDIR, EISDIR, EINVAL) or it is too large (EFBIG).
    """
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise OutsideFolder
    root = os.path.realpath(os.path.expanduser(folder))
    real = os.path.realpath(os.path.join(root, name))
    if os.path.commonpath((root, real)) != root:
        raise OutsideFolder
    # Opened part by part without links: what was resolved above may have been exchanged since.
    with contextlib.ExitStack() as opened:
        place = _open(opened, root, _FOLDER, None)
        *folders, last = os.path.relpath(real, root).split(os.sep)
        for part in folders:
            place = _open(opened, part, _FOLDER, place)
        return _read(_open(opened, last, _NO_LINK | _NEVER_WAITS, place), most)


def _open(opened: contextlib.ExitStack, name: str, flags: int, at: int | None) -> int:
    descriptor = os.open(name, flags, dir_fd=at)
    opened.callback(os.close, descriptor)
    return descriptor


def _read(descriptor: int, most: int) -> bytes:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return content
