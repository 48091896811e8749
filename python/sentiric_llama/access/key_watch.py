# SPDX-License-Identifier: AGPL-3.0-only
"""Keeps the keys of a file up to date while the server runs.

A broken file keeps the last good keys. A file that is gone refuses them all: it can revoke nothing,
and keys that nobody can revoke must not stay valid.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from sentiric_llama.access.key_file import KeyFileGone, read_key_file
from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.printable import brief
from sentiric_llama.log.events import event

logger = logging.getLogger(__name__)

Mark = tuple[int, ...]
"""What changes with the content of a file."""
LOOKS_BEFORE_LOST = 2
"""Looks in a row that must find no file: some editors take it away for a moment while they save."""


class KeyFileState(StrEnum):
    """What the keys in use are to the file."""

    CURRENT = "current"
    STALE = "stale"
    """The file is broken; the keys are those of the last good one."""
    LOST = "lost"
    """The file is gone; none of its keys is valid."""


class KeyFile:
    """A file whose keys are in a ring. `refresh` may run in a thread of its own."""

    def __init__(self, path: Path, ring: KeyRing) -> None:
        """Reads it. Raises InvalidArgument naming what is wrong and where."""
        self.path = path.expanduser()
        self._ring = ring
        self._refusal = ""
        self._misses = 0
        self.state = KeyFileState.CURRENT
        self._mark: Mark = _mark_of(self.path)  # before it is read: a change meanwhile is seen
        self.num_keys = self._read()

    def refresh(self) -> bool:
        """Reads the file again if it has changed. True if its keys are in use now.

        A broken file, also a half-written one, is logged once and left alone. One that is gone at
        `LOOKS_BEFORE_LOST` looks takes its keys with it until it is back.
        """
        mark = _mark_of(self.path)
        if mark == self._mark and mark and not self._misses:
            return False
        try:
            self.num_keys = self._read()
        except KeyFileGone as error:
            self._note_gone(error)
            return False
        except InvalidArgument as error:
            self._note_broken(error)
            return False
        finally:
            self._mark = mark
        self._refusal, self._misses, self.state = "", 0, KeyFileState.CURRENT
        event(logger, "KEYS_RELOADED", str(self.path), keys=self.num_keys)
        return True

    def _note_gone(self, error: KeyFileGone) -> None:
        self._misses += 1
        if self._misses < LOOKS_BEFORE_LOST or self.state is KeyFileState.LOST:
            return
        self._ring.put_filed(())
        self.num_keys, self.state = 0, KeyFileState.LOST
        text = f"refusing all keys of the file until it is back: {error}"
        event(logger, "KEYS_LOST", text, logging.ERROR)

    def _note_broken(self, error: InvalidArgument) -> None:
        self._misses = 0
        if self.state is not KeyFileState.LOST:
            self.state = KeyFileState.STALE
        if str(error) != self._refusal:
            text = f"keeping the keys in use: {error}"
            event(logger, "KEYS_REFUSED", text, logging.WARNING)
        self._refusal = str(error)

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
