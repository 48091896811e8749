# SPDX-License-Identifier: AGPL-3.0-only
"""Keeps the keys of a file up to date while the server runs: the last good ones stay."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path

from sentiric_llama.access.key_file import read_key_file
from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.printable import brief
from sentiric_llama.log.events import event

logger = logging.getLogger(__name__)

Mark = tuple[int, ...]
"""What changes with the content of a file."""


class KeyFile:
    """A file whose keys are in a ring. `refresh` may run in a thread of its own."""

    def __init__(self, path: Path, ring: KeyRing) -> None:
        """Reads it. Raises InvalidArgument naming what is wrong and where."""
        self.path = path.expanduser()
        self._ring = ring
        self._refusal = ""
        self._mark: Mark = _mark_of(self.path)  # before it is read: a change meanwhile is seen
        self.num_keys = self._read()

    def refresh(self) -> bool:
        """Reads the file again if it has changed. True if its keys are in use now.

        A file that cannot serve, also a half-written one, is logged once and left alone.
        """
        mark = _mark_of(self.path)
        if mark == self._mark and mark:
            return False
        try:
            self.num_keys = self._read()
        except InvalidArgument as error:
            if str(error) != self._refusal:
                text = f"keeping the keys in use: {error}"
                event(logger, "KEYS_REFUSED", text, logging.WARNING)
            self._refusal = str(error)
            return False
        finally:
            self._mark = mark
        self._refusal = ""
        event(logger, "KEYS_RELOADED", str(self.path), keys=self.num_keys)
        return True

    def _read(self) -> int:
        keys = read_key_file(self.path)
        try:
            self._ring.put_filed(keys)
        except InvalidArgument as error:
            raise InvalidArgument(f"{brief(self.path)} {error.what}", where="keys") from None
        return len(keys)


def writable_by_others(path: Path) -> bool:
    """True if other users may change the file, and so give themselves a key."""
    try:
        return bool(path.expanduser().stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    except OSError:
        return False


async def watch(file: KeyFile, period_s: float, on_change: Callable[[], None]) -> None:
    """Refreshes until it is cancelled; tells of new keys on this event loop."""
    while True:
        await asyncio.sleep(period_s)
        if await asyncio.to_thread(file.refresh):
            on_change()


def _mark_of(path: Path) -> Mark:
    """() for a file that is not there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
