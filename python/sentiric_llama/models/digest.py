# SPDX-License-Identifier: AGPL-3.0-only
"""Checksums: what the hub or the configuration says a file is, and whether it is that.

A file that was compared once is known by inode, size and time of change, so that a start does not
read gigabytes again.
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
    """As much of hashlib as is needed."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Digest:
    """What the content must hash to: SHA-256, or git's SHA-1 for small files outside of LFS."""

    hex: str

    @property
    def name(self) -> str:
        return "sha256" if len(self.hex) == 64 else "git-sha1"

    def hasher(self, size: int) -> Hasher:
        """An empty hasher for a content of `size` bytes."""
        if self.name == "sha256":
            return hashlib.sha256()
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)

    def of(self, path: Path) -> str:
        """What the file really hashes to."""
        with path.open("rb") as file:
            hasher = self.hasher(file.seek(0, 2))
            file.seek(0)
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
        return hasher.hexdigest()


def digest_of_etag(etag: str) -> Digest | None:
    """The checksum that the hub's ETag is; None for tags that are none."""
    return Digest(etag) if re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{40}", etag) else None


class Ledger:
    """Remembers in a folder which files were compared. Losing it costs only time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_known(self, path: Path, digest: Digest) -> bool:
        """True when this very file was compared before and did not change."""
        try:
            return bool(json.loads(self._entry(digest).read_text("utf-8")) == _identity(path))
        except (OSError, ValueError):
            return False

    def remember(self, path: Path, digest: Digest) -> None:
        with contextlib.suppress(OSError):  # a read-only cache: compared again next time
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._entry(digest), json.dumps(_identity(path)).encode())

    def forget(self, digest: Digest) -> None:
        with contextlib.suppress(OSError):
            self._entry(digest).unlink()

    def matches(self, path: Path, digest: Digest) -> bool:
        """Compares, unless it is known. Raises OSError when the file cannot be read."""
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
