# SPDX-License-Identifier: AGPL-3.0-only
"""Numbers and strings out of a file that may lie about its own sizes."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from sentiric_llama.errors import ModelInvalid
from sentiric_llama.gguf import types as gguf

_WINDOW_BYTES = 1 << 20
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


def invalid(path: Path, what: str) -> ModelInvalid:
    """The one form in which a file is refused."""
    return ModelInvalid(f"{path} {what}", where="model")


class Reader:
    """A forward reader that never asks for more than the file holds."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path = path
        self.size = size
        self._file = file
        self._window = b""
        self._base = 0  # of the window in the file
        self._at = 0  # in the window

    @property
    def position(self) -> int:
        return self._base + self._at

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if self._at + count > len(self._window):
            self._fill(count)
        start = self._at
        self._at += count
        return self._window[start : self._at]

    def u32(self) -> int:
        return int(_U32.unpack(self.take(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack(self.take(8))[0])

    def string(self) -> bytes:
        (only,) = self.strings(1)
        return only

    def strings(self, count: int) -> tuple[bytes, ...]:
        """`count` strings with their lengths in front; one loop, because vocabularies are long."""
        found: list[bytes] = []
        append, length_at, most = found.append, _U64.unpack_from, gguf.MAX_STRING_BYTES
        window, at = self._window, self._at
        end = len(window)
        for _ in range(count):
            if at + 8 > end:
                window, at = self._refill(at, 8)
                end = len(window)
            (length,) = length_at(window, at)
            if length > most:
                raise invalid(self.path, f"holds a string of {length} bytes, allowed {most}")
            if at + 8 + length > end:
                window, at = self._refill(at, 8 + length)
                end = len(window)
            start = at + 8
            at = start + length
            append(window[start:at])
        self._at = at
        return tuple(found)

    def _refill(self, at: int, count: int) -> tuple[bytes, int]:
        self._at = at
        self._fill(count)
        return self._window, 0

    def _fill(self, count: int) -> None:
        """Moves the window to the present position; it holds at least `count` bytes then."""
        rest = self._window[self._at :]
        self._base += self._at
        self._at = 0
        if self._base + count > self.size:
            raise invalid(
                self.path,
                f"is cut: it ends after {self.size} bytes, inside its header; download it again",
            )
        if self._base + count > gguf.MAX_HEADER_BYTES:
            raise invalid(self.path, f"has a header above {gguf.MAX_HEADER_BYTES} bytes")
        self._window = rest + self._file.read(max(count - len(rest), _WINDOW_BYTES))
        if len(self._window) < count:
            raise invalid(self.path, "became shorter while it was read; download it again")
