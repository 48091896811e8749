# SPDX-License-Identifier: AGPL-3.0-only
"""What an engine process counts and does, in memory shared with it; see `core/record/` in C++."""

from __future__ import annotations

import fcntl
import math
import os
from collections.abc import Iterator
from copy import copy
from enum import IntEnum
from functools import partial
from typing import Any, NamedTuple

from sentiric_llama import _host
from sentiric_llama.types import Capacity, EngineStats

_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class Place(IntEnum):
    """What a thread is doing; the order of `record::Place` in C++."""

    IDLE = 0
    LOAD = 1
    ADAPTER = 2
    TEMPLATE = 3
    TOKENIZER = 4
    GRAMMAR = 5
    STEP = 6
    DECODE = 7
    SAMPLING = 8
    EVALUATE = 9


class Work(NamedTuple):
    """What one thread is doing, for which stream or call (0: none), and since when (ns)."""

    thread: int
    place: Place
    tag: int
    since_ns: int


class Crash(NamedTuple):
    """The fatal signal of the process, 0 without one."""

    signal: int
    code: int
    sender: int
    thread: int

    def is_own(self, pid: int) -> bool:
        """True if the process failed by itself, False if another process sent the signal."""
        return self.code > 0 or self.sender == pid


class _Copy:
    """What a page held when it was closed; does not wait for the garbage collector."""

    def __init__(self, page: Any) -> None:
        self.beats, self.stepper = page.beats, page.stepper
        for name in ("stats", "capacity", "crash", "threads", "batch", "line"):
            setattr(self, name, partial(copy, getattr(page, name)()))


class FlightPage:
    """Reads the page. It stays readable after the process has died, and after `close`."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("sentiric-flight", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, _host.FlightPage.SIZE)
        # Reading a page that its writer has cut off would end this process.
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, _SEALS)
        self._page: Any = _host.FlightPage(self.fd)

    def close(self) -> None:
        """Gives the memory back and keeps what it holds now. Idempotent."""
        if self.fd >= 0:
            self._page = _Copy(self._page)
            os.close(self.fd)
            self.fd = -1

    @property
    def beats(self) -> int:
        """Grows while a step computes."""
        return int(self._page.beats)

    def stats(self) -> EngineStats:
        found = self._page.stats()  # written by a process that may be taken over
        return EngineStats(**{name: v if math.isfinite(v) else 0 for name, v in found.items()})

    def capacity(self) -> Capacity:
        return Capacity(*self._page.capacity())

    def crash(self) -> Crash:
        return Crash(*self._page.crash())

    def works(self) -> list[Work]:
        """What threads are doing, or were doing when the process ended."""
        return list(self._works())

    def _works(self) -> Iterator[Work]:
        known = {int(place) for place in Place}
        for thread, place, tag, since in self._page.threads():
            yield Work(thread, Place(place) if place in known else Place.STEP, tag, since)

    def batch(self) -> list[int]:
        """The streams that the last decode call computed."""
        return list(self._page.batch())

    def line(self) -> list[int]:
        """The streams that wait for a context, the next one first."""
        return list(self._page.line())

    def stepper(self) -> Work | None:
        """The thread that runs the steps, while it is at work."""
        return next((work for work in self._works() if work.thread == self._page.stepper), None)
