# SPDX-License-Identifier: AGPL-3.0-only
"""Random texts of a grammar, to see what it allows."""

from __future__ import annotations

import random

from sentiric_llama import _host
from sentiric_llama.errors import GrammarTooComplex

_SOON = 150
"""Bytes after which a text takes the shortest way to its end. If none is found, that is tried again
each time when the text is twice as long, further and further: a try takes up to a second."""
_STATES = 20_000
_MOST = 20_000
_CLOSING = b'"}]'
_READABLE = b"abcdefghijklmnopqrstuvwxyz0123456789 "
_HARD_TO_READ = frozenset((*range(0x20), 0x7F, ord("\\")))
"""Control characters, and the backslash that begins escapes."""
_RANKS = (frozenset(_READABLE), frozenset(range(0x20, 0x7F)), frozenset(range(0x80, 0x100)))
"""What a person reads best comes first."""
_FIRST = 0.85
"""How often the best rank is taken that has an allowed byte."""
_SPACES = 0.3
"""How often a space is written where only it or what follows may come, as between JSON's tokens."""


def random_text(matcher: _host.Matcher, seed: int) -> str:
    """A text that the grammar accepts, on one line where it allows that.

    Raises GrammarTooComplex if none comes to an end.
    """
    chance = random.Random(seed)
    data = bytearray()
    soon, states = _SOON, _STATES
    while len(data) < _MOST:
        if matcher.can_end and chance.random() < 0.3:
            return data.decode()
        if len(data) >= soon:
            end: bytes | None = matcher.shortest_end(states)
            soon, states = 2 * soon, states + _STATES
            if end is not None:
                return (bytes(data) + end).decode()
        allowed = matcher.allowed_bytes()
        if not allowed:
            return data.decode()
        if data.endswith(b"\\") and len(allowed) > 1:  # \n rather than \u000a
            allowed = [byte for byte in allowed if byte != ord("u")]
        byte = _chosen(allowed, chance, may_break=len(data) >= _SOON)
        matcher.advance(bytes((byte,)))
        data.append(byte)
    raise GrammarTooComplex(f"no end within {_MOST} bytes", where="grammar")


def _chosen(allowed: list[int], chance: random.Random, *, may_break: bool) -> int:
    """Prefers what ends something, and what a person can read.

    What is hard to read comes only where nothing else is allowed, or where no end is in sight.
    """
    is_text = {ord("a"), ord("b")} <= set(allowed)  # where only a quote ends something
    closing = [byte for byte in allowed if byte in (_CLOSING[:1] if is_text else _CLOSING)]
    if closing and chance.random() < 0.15:
        return chance.choice(closing)
    easy = allowed if may_break else [byte for byte in allowed if byte not in _HARD_TO_READ]
    return _readable(easy, chance) if easy else chance.choice(allowed)


def _readable(allowed: list[int], chance: random.Random) -> int:
    ranks = [[byte for byte in allowed if byte in rank] for rank in _RANKS]
    if ranks[0] == [0x20] and len(allowed) > 1:
        if chance.random() < _SPACES:
            return 0x20
        ranks[0] = []
        allowed = [byte for byte in allowed if byte != 0x20]
    for rank in filter(None, ranks):
        if chance.random() < _FIRST:
            return chance.choice(rank)
    return chance.choice(allowed)
