# SPDX-License-Identifier: AGPL-3.0-only
"""Strict framing: a request whose end another server might see elsewhere is refused.

h11 accepts a bare line feed as the end of a line, joins folded lines, and allows duplicate headers.
If a proxy reads such bytes differently, one request can hide another (request smuggling).
"""

from __future__ import annotations

import re

import h11
from h11._receivebuffer import ReceiveBuffer

# Not allowed in a head or a trailer.
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
"""Headers that may occur only once, because servers disagree on which one counts."""


class StrictBuffer(ReceiveBuffer):
    """h11's receive buffer, with checks of heads, chunk lines and trailers.

    Each byte is checked once, so a head that arrives byte by byte costs no more than a whole one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.problem = ""
        """The reason of the refusal."""
        self._checked = 0

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """The lines of a head or a trailer, once they are complete."""
        if self._data[:2] == b"\r\n":  # no head, or no trailer
            self._checked = 0
            return super().maybe_extract_lines()
        start = max(0, self._checked - 3)  # the end of the head may be split
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
            self._refuse("a chunk size must be a hexadecimal number followed by CR LF")
        return line

    def _check_names(self, lines: list[bytearray]) -> None:
        seen = set()
        for line in lines:
            head, _, value = line.partition(b":")
            name = bytes(head).lower()
            if name not in SINGLE:
                continue
            if name in seen:
                self._refuse(f"duplicate header {name.decode()}")
            seen.add(name)
            if name == b"content-length" and not _LENGTH.fullmatch(value):
                self._refuse("Content-Length must be a single number")
        if b"transfer-encoding" in seen and lines[0].endswith(b" HTTP/1.0"):
            self._refuse("HTTP/1.0 has no Transfer-Encoding")

    def _refuse(self, problem: str) -> None:
        self.problem = problem
        raise h11.LocalProtocolError(problem)


def be_strict(conn: h11.Connection) -> StrictBuffer:
    """Makes a new connection of h11 strict. Raises TypeError for an incompatible h11."""
    if not isinstance(conn._receive_buffer, ReceiveBuffer):
        raise TypeError("this version of h11 has another receive buffer")
    strict = conn._receive_buffer = StrictBuffer()
    return strict


def _reason(found: bytes) -> str:
    if found == b"\n":
        return "a line ends in LF without CR"
    return "CR without LF" if found == b"\r" else "a header goes on in a second line"
