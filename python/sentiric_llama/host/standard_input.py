# SPDX-License-Identifier: AGPL-3.0-only
"""Reads text from standard input, a pipe or a file."""

from __future__ import annotations

import sys

from sentiric_llama.errors import InvalidArgument

_WHERE = "standard input"


def text_of_input() -> str:
    """All of standard input. Raises InvalidArgument at the first byte that is not UTF-8."""
    if sys.stdin is None:
        raise InvalidArgument("it is closed", where=_WHERE)
    raw = getattr(sys.stdin, "buffer", None)
    if raw is None:  # not a file: a notebook, a test
        return sys.stdin.read()
    return _decoded(raw.read(), 0).removeprefix("\ufeff")


class InputLines:
    """Reads line by line. Raises EOFError at the end, InvalidArgument if it is not UTF-8."""

    def __init__(self) -> None:
        self._offset = 0

    def next(self) -> str:
        raw = getattr(sys.stdin, "buffer", None)
        line = (
            (sys.stdin.readline().encode() if sys.stdin else b"") if raw is None else raw.readline()
        )
        if not line:
            raise EOFError
        text = _decoded(line, self._offset)
        self._offset += len(line)
        return text.rstrip("\r\n")


def _decoded(raw: bytes, offset: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        byte, place = error.object[error.start], offset + error.start
        text = f"not UTF-8: byte 0x{byte:02x} at offset {place}"
        raise InvalidArgument(text, where=_WHERE) from None
