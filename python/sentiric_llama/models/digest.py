# SPDX-License-Identifier: AGPL-3.0-only
"""Checksums: the one that a file must have, and whether it has it.

A verified file is remembered by inode, size and times, so that a start does not read gigabytes
again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sentiric_llama.host.private_files import write_whole

_CHUNK = 1 << 20


class Hasher(Protocol):
    """The part of hashlib's interface that is used."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Digest:
    """An expected hash: SHA-256, or git's SHA-1 for small files outside LFS."""

    hex: str

    @property
    def name(self) -> str:
        return "sha256" if len(self.hex) == 64 else "git-sha1"

    def hasher(self, size: int) -> Hasher:
        """A hasher for `size` bytes of content; git hashes the size first."""
        if self.name == "sha256":
            return hashlib.sha256()
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)

    def of(self, path: Path) -> str:
        """The file's actual hash."""
        with path.open("rb") as file:
            hasher = self.hasher(file.seek(0, 2))
            file.seek(0)
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
        return hasher.hexdigest()


def digest_of_etag(etag: str) -> Digest | None:
    """The hub's ETag as a checksum; None when it is not one."""
    return Digest(etag) if re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{40}", etag) else None


class Ledger:
    """Remembers verified files in a folder. Losing it costs only time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_known(self, path: Path, digest: Digest) -> bool:
        """True when the file was verified before and has not changed."""
        try:
            return bool(json.loads(self._entry(digest).read_text("utf-8")) == _identity(path))
        except (OSError, ValueError):
            return False

    def remember(self, path: Path, digest: Digest) -> None:
        with contextlib.suppress(
            OSError
        ):  # a read-only folder: the file is verified again next time
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._entry(digest), json.dumps(_identity(path)).encode())

    def forget(self, digest: Digest) -> None:
        with contextlib.suppress(OSError):
            self._entry(digest).unlink()

    def matches(self, path: Path, digest: Digest) -> bool:
        """Verifies the file unless it is known. Raises OSError when it cannot be read."""
        if self.is_known(path, digest):
            return True
        before = _identity(path)
        if digest.of(path) != digest.hex or _identity(path) != before:
            return False
        self.remember(path, digest)
        return True

    def _entry(self, digest: Digest) -> Path:
        return self._folder / f"{digest.hex}.json"


def _identity(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
