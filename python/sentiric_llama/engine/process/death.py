# SPDX-License-Identifier: AGPL-3.0-only
"""Why an engine process ended, and whose work it was doing."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

from sentiric_llama.engine.process.flight_page import FlightPage, Place, Work

Tags = frozenset[int]

_OF_BATCH = (Place.STEP, Place.DECODE)
"""Places where all streams of a step are worked on together."""


@dataclass(frozen=True, slots=True)
class Death:
    """The end of an engine process. Holds no text of a prompt."""

    cause: str
    """How it ended, in words: "SIGSEGV", "killed by another process (SIGKILL)", ..."""
    place: str = ""
    """What it was doing then, "" if unknown."""
    suspects: Tags = frozenset()
    """The streams and calls that may have caused it."""
    present: Tags = frozenset()
    """The streams and calls that it worked on, which a signal from outside does not blame."""
    last_lines: tuple[str, ...] = ()
    steps: int = 0
    is_wanted: bool = False
    """True if it was closed."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Work that stood still until the process was ended for it."""

    waited_s: float
    work: Work | None = None
    """The thread that stood still; None if the whole process did."""
    is_suspended: bool = False


@dataclass(frozen=True, slots=True)
class Violation:
    """A message that an engine process must not send, for which it was ended."""

    what: str


def examine(
    page: FlightPage,
    pid: int,
    status: int,
    stall: Stall | Violation | None = None,
    *,
    is_out_of_memory: bool = False,
) -> Death:
    """Reads what a process left behind. `status` is as `subprocess` returns it.

    `is_out_of_memory`: the kernel has killed a process because memory ran out.
    """
    works, batch = page.works(), page.batch()
    present = frozenset(tag for work in works for tag in _tags_of(work, batch))
    steps = page.stats().steps
    if isinstance(stall, Violation):
        return Death(stall.what, suspects=present, present=present, steps=steps)
    if stall is not None:
        return _of_stall(stall, batch, present, steps)
    crash = page.crash()
    if crash.signal and crash.is_own(pid):
        # A thread of a library, without a record, may work for any of ours.
        failed = next((work for work in works if work.thread == crash.thread), None)
        suspects = frozenset(_tags_of(failed, batch)) if failed else present
        at = failed or page.stepper()
        place = at.place.name.lower() if at else ""
        return Death(_name_of(crash.signal), place, suspects, present, steps=steps)
    if status < 0:
        cause = f"{_name_of(-status)} from outside"
        if is_out_of_memory and status == -signal.SIGKILL:
            cause = "killed by the kernel because memory ran out"
        return Death(cause, present=present, steps=steps)
    return Death(f"exit status {status}", suspects=present, present=present, steps=steps)


def _of_stall(stall: Stall, batch: list[int], present: Tags, steps: int) -> Death:
    seconds = f"{stall.waited_s:.0f} s"
    if stall.work is None:
        cause = "suspended" if stall.is_suspended else "took no command"
        return Death(f"{cause} for {seconds}", present=present, steps=steps)
    suspects = frozenset(_tags_of(stall.work, batch))
    place = stall.work.place.name.lower()
    return Death(f"stood still for {seconds}", place, suspects, present, steps=steps)


def _tags_of(work: Work, batch: list[int]) -> list[int]:
    if work.place in _OF_BATCH:
        return [tag for tag in batch if tag]
    return [work.tag] if work.tag else []


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@dataclass(slots=True)
class DeathCount:
    """The deaths within `WINDOW_S`, which tell a crash loop from single accidents."""

    times: list[float] = field(default_factory=list)

    def note(self, now: float) -> None:
        self.times = [at for at in self.times if now - at < WINDOW_S] + [now]

    def explain(self) -> None:
        """The deaths so far had a cause that is gone."""
        self.times.clear()

    @property
    def is_loop(self) -> bool:
        return len(self.times) > MAX_DEATHS

    @property
    def delay_s(self) -> float:
        """How long to wait before the next start."""
        return BACK_OFF_S[min(max(len(self.times) - 1, 0), len(BACK_OFF_S) - 1)]


MAX_DEATHS = 5
"""So many deaths within WINDOW_S are survived; the next one ends the service."""
WINDOW_S = 60.0
BACK_OFF_S = (0.0, 0.0, 0.5, 1.0, 2.0)
