# SPDX-License-Identifier: AGPL-3.0-only
"""Where a request ends has one answer: what others might read differently is refused.

h11 takes a bare line feed for a line's end, joins folded lines, and lets a header come twice. Two
servers in a row that disagree about such bytes see different requests.
"""

from __future__ import annotations

import re

import h11
from h11._receivebuffer import ReceiveBuffer

# What must not stand anywhere in a head or a trailer.
_AMBIGUOUS = re.compile(rb"(?<!\r)\n|\r(?=[^\n])|\r\n[ \t]")
_CHUNK_LINE = re.compile(rb"[0-9A-Fa-f]{1,16}(?:;[\t\x20-\x7e\x80-\xff]{0,256})?\r\n")
_LENGTH = re.compile(rb"[ \t]*[0-9]{1,19}[ \t]*")
_END = b"\r\n\r\n"

SINGLE = frozenset(
    {
        *(b"host", b"content-type", b"content-length", b"content-encoding"),
        *(b"transfer-encoding", b"expect", b"origin"),
        *(b"authorization", b"x-api-key", b"x-tenant-id"),
    }
)
"""Headers of which a second one would leave open which of them counts."""


class StrictBuffer(ReceiveBuffer):
    """h11's buffer of what arrived, which looks at heads, chunk lines and trailers as they come.

    Each byte is looked at once, so a head that comes byte by byte costs no more than a whole one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.problem = ""
        """What was refused, for the answer."""
        self._checked = 0

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """The lines of a head or a trailer, once they are complete."""
        if self._data[:2] == b"\r\n":  # no head, or no trailer
            self._checked = 0
            return super().maybe_extract_lines()
        start = max(0, self._checked - 3)  # a sign may have come in parts
        end = self._data.find(_END, start)
        stop = len(self._data) if end < 0 else end + 2
        if found := _AMBIGUOUS.search(self._data, start, stop):
            self._refuse(_reason(found[0]))
        self._checked = len(self._data)
        lines = super().maybe_extract_lines()
        if lines is not None:
            self._checked = 0
            self._check_names(lines)
        return lines

    def maybe_extract_next_line(self) -> bytearray | None:
        """The line with the size of a chunk."""
        start = self._next_line_search
        line = super().maybe_extract_next_line()
        is_bad = b"\n" in self._data[start:] if line is None else not _CHUNK_LINE.fullmatch(line)
        if is_bad:
            self._refuse("a chunk's size is no plain hexadecimal number with CR and LF")
        return line

    def _check_names(self, lines: list[bytearray]) -> None:
        seen = set()
        for line in lines:
            head, _, value = line.partition(b":")
            name = bytes(head).lower()
            if name not in SINGLE:
                continue
            if name in seen:
                self._refuse(f"the header {name.decode()} came twice")
            seen.add(name)
            if name == b"content-length" and not _LENGTH.fullmatch(value):
                self._refuse("Content-Length is no single number")
        if b"transfer-encoding" in seen and lines[0].endswith(b" HTTP/1.0"):
            self._refuse("Transfer-Encoding in HTTP/1.0, which has none")

    def _refuse(self, problem: str) -> None:
        self.problem = problem
        raise h11.LocalProtocolError(problem)


def be_strict(conn: h11.Connection) -> StrictBuffer:
    """Makes a new connection of h11 strict. Raises when this h11 has no such buffer."""
    if not isinstance(conn._receive_buffer, ReceiveBuffer):
        raise TypeError("this version of h11 keeps what it receives elsewhere")
    strict = conn._receive_buffer = StrictBuffer()
    return strict


def _reason(found: bytes) -> str:
    if found == b"\n":
        return "a line ends in LF without CR"
    return "CR without LF" if found == b"\r" else "a header goes on in a second line"
