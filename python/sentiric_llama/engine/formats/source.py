# SPDX-License-Identifier: AGPL-3.0-only
"""Text that arrives in parts, for readers that are written as if they had all of it.

A reader is a generator. It yields whenever it needs more text than there is, and goes on when more
has come or the text has ended. What it finds does not depend on how the text was split.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Reading: TypeAlias = Generator[None, None, T]
Sink: TypeAlias = Callable[[str], None]

_NO_SPACE = re.compile(r"[^ \t\r\n]")


class Source:
    """The text that was not read yet."""

    def __init__(self) -> None:
        self.text = ""
        self.has_ended = False
        self.was_cut = False
        """Whether it ended in the middle: what had begun is not there."""
        self._taken: list[str] | None = None

    def feed(self, text: str) -> None:
        """Adds text at the end."""
        self.text += text

    def take(self, count: int) -> str:
        """Reads so many characters, which must be there."""
        taken, self.text = self.text[:count], self.text[count:]
        if self._taken is not None:
            self._taken.append(taken)
        return taken

    def begin_attempt(self) -> None:
        """What is read from here on can be put back."""
        self._taken = []

    def commit(self) -> None:
        """What was read stays read."""
        self._taken = None

    def undo(self) -> None:
        """Puts back what was read since the attempt began."""
        self.text = "".join(self._taken or ()) + self.text
        self._taken = None

    def drop_cut(self) -> bool:
        """Drops the rest if it is the beginning of something that was cut off."""
        if not (self.has_ended and self.was_cut):
            return False
        self.take(len(self.text))
        return True

    def has(self, count: int) -> Reading[bool]:
        """Waits for so many characters; False if the text ends before."""
        while len(self.text) < count:
            if self.has_ended:
                return False
            yield
        return True

    def first_of(self, options: Sequence[str]) -> Reading[str | None]:
        """Reads the option that the text begins with; None if it is none of them.

        No option may be the beginning of another.
        """
        while True:
            for option in options:
                if self.text.startswith(option):
                    return self.take(len(option))
            may_follow = any(option.startswith(self.text) for option in options)
            if may_follow:
                self.drop_cut()
            if self.has_ended or not may_follow:
                return None
            yield

    def is_cut(self, options: Sequence[str]) -> bool:
        """Whether the text has ended where one of them could still have come."""
        return self.has_ended and any(option.startswith(self.text) for option in options)

    def skip_space(self) -> Reading[None]:
        """Reads blanks and line ends."""
        while True:
            found = _NO_SPACE.search(self.text)
            self.take(found.start() if found else len(self.text))
            if found or self.has_ended:
                return
            yield

    def until(self, marks: Sequence[str], sink: Sink) -> Reading[str | None]:
        """Reads up to the first mark and the mark itself, which it returns; None at the end.

        The text before the mark goes to `sink` as soon as it is certain. No mark may be the
        beginning of another. The beginning of one is text where the text ends, unless it was cut.
        """
        while True:
            begin, mark = _first(self.text, marks)
            if mark:
                _put(sink, self.take(begin))
                self.take(len(mark))
                return mark
            held = 0 if self.has_ended and not self.was_cut else _held(self.text, marks)
            _put(sink, self.take(len(self.text) - held))
            if self.has_ended:
                self.drop_cut()
                return None
            yield

    def word(self, ends: Sequence[str], limit: int) -> Reading[str | None]:
        """Reads up to one of the ends, which stays; None if there is none within the limit."""
        while True:
            begin, end = _first(self.text, ends)
            if end and begin <= limit:
                return self.take(begin)
            if self.has_ended or len(self.text) > limit + max(map(len, ends)):
                return None
            yield

    def span(self, end: re.Pattern[str], sink: Sink) -> Reading[None]:
        """Gives `sink` what stands before the first match of `end`, which is one character."""
        while True:
            found = end.search(self.text)
            _put(sink, self.take(found.start() if found else len(self.text)))
            if found or self.has_ended:
                return
            yield


def _put(sink: Sink, text: str) -> None:
    if text:
        sink(text)


def _first(text: str, marks: Sequence[str]) -> tuple[int, str]:
    """Where the first mark begins, and the mark; "" if there is none."""
    best, found = len(text), ""
    for mark in marks:
        begin = text.find(mark)
        if 0 <= begin < best:
            best, found = begin, mark
    return best, found


def _held(text: str, marks: Sequence[str]) -> int:
    """How many characters at the end may be the beginning of a mark."""
    longest = max((len(mark) for mark in marks), default=1) - 1
    for begin in range(max(len(text) - longest, 0), len(text)):
        tail = text[begin:]
        if any(mark.startswith(tail) for mark in marks):
            return len(tail)
    return 0
