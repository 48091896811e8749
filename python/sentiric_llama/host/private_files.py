# SPDX-License-Identifier: AGPL-3.0-only
"""Writes files atomically, and makes folders into which no other user can write.

`cpp/host/private_files.h` does the same for the engine's files.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shlex
import stat
from pathlib import Path
from typing import BinaryIO, cast

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_NEVER_WAITS = getattr(os, "O_NONBLOCK", 0)


def write_private(path: Path, content: bytes) -> None:
    """As `write_whole`, readable by its owner only, whatever the file's mode was before."""
    write_whole(path, content, mode=0o600)


def write_whole(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Replaces a file once all bytes are on the disk. Replaces a link instead of following it.

    The bytes go into a new file with a random name, so that no file of another user is opened.
    The umask limits `mode`. Raises OSError.
    """
    scratch = path.with_name(f".{path.name[:200]}.{secrets.token_hex(8)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except BaseException:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise


def write_fault(path: Path, error: OSError, *, is_private: bool = False) -> str:
    """Why a file cannot be written, and what to do where its folder is missing."""
    if not isinstance(error, FileNotFoundError):
        return error.strerror or ""
    made = f"mkdir -p{' -m 700' * is_private} {shlex.quote(str(path.parent))}"
    return f"its folder is missing; create it with: {made}"


def open_to_resume(path: Path) -> BinaryIO:
    """Opens a file to read and append to; creates it if it does not exist.

    Raises OSError, also for links, pipes and files of other users.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | _NOFOLLOW | _NEVER_WAITS
    descriptor = os.open(path, flags, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise OSError(errno.EPERM, "not a file of this user", str(path))
        return cast(BinaryIO, os.fdopen(descriptor, "a+b"))
    except BaseException:
        os.close(descriptor)
        raise


def private_folder_fault(path: Path) -> str:
    """Why the engine would keep no files of its own in a folder; "" if it would. Makes nothing.

    The rule of `EnsurePrivateFolder` in `cpp/host/private_files.h`.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        there = next(folder for folder in path.absolute().parents if os.path.exists(folder))
        is_good = os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)
        return "" if is_good else f"cannot be created in {there}"
    except (OSError, ValueError) as error:
        return f"cannot be used: {getattr(error, 'strerror', None) or 'not a path'}"
    is_private = found.st_uid == os.geteuid() and not found.st_mode & 0o077
    if stat.S_ISDIR(found.st_mode) and is_private:
        return ""
    return "must be a folder owned by this user with mode 0700"


def make_private_folder(path: Path) -> None:
    """Makes a folder and its missing parents with mode 0700.

    Raises OSError for a folder of another user, or one that is writable by everybody without the
    sticky bit, as others could replace its files. Root trusts folders of any user.
    """
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            with contextlib.suppress(FileExistsError):
                folder.mkdir(0o700)
    found = path.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(path))
    is_foreign = found.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0
    is_open = found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX
    if is_foreign or is_open:
        raise PermissionError(errno.EPERM, "others can exchange the files in it", str(path))
