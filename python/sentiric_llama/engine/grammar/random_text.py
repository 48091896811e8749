# SPDX-License-Identifier: AGPL-3.0-only
"""Random texts of a grammar, to see what it allows."""

from __future__ import annotations

import random
from typing import Any

from sentiric_llama.errors import GrammarTooComplex

_SOON = 150
"""Bytes after which a text takes the shortest way to its end, if one is found."""
_AGAIN = 50
"""Bytes after which that is tried again."""
_STATES = 20_000
_MOST = 100_000
_CLOSING = b'"}]'
_READABLE = b"abcdefghijklmnoprstuvyz0123456789 "


def random_text(matcher: Any, seed: int) -> str:
    """Raises GrammarTooComplex if none comes to an end."""
    chance = random.Random(seed)
    data = bytearray()
    while len(data) < _MOST:
        if matcher.can_end and chance.random() < 0.3:
            return data.decode()
        if len(data) >= _SOON and (len(data) - _SOON) % _AGAIN == 0:
            end: bytes | None = matcher.shortest_end(_STATES)
            if end is not None:
                return (bytes(data) + end).decode()
        allowed = matcher.allowed_bytes()
        if not allowed:
            return data.decode()
        byte = _chosen(allowed, chance)
        matcher.advance(bytes((byte,)))
        data.append(byte)
    raise GrammarTooComplex(f"no end within {_MOST} bytes", where="grammar")


def _chosen(allowed: list[int], chance: random.Random) -> int:
    """Prefers what ends something, and what a person can read."""
    closing = [byte for byte in allowed if byte in _CLOSING]
    if closing and chance.random() < 0.15:
        return chance.choice(closing)
    readable = [byte for byte in allowed if byte in _READABLE]
    return chance.choice(readable if readable and chance.random() < 0.8 else allowed)
