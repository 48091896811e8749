# SPDX-License-Identifier: AGPL-3.0-only
"""How the prompt of a conversation is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChatRendering:
    """A prompt as it would be evaluated now."""

    text: str
    message_begins: tuple[int | None, ...]
    """Where the first text of each message begins in `text`, in characters. None for one that has
    none there or that the template changes."""
    tokens: Sequence[int]
    cached_tokens: int
    """How many of the tokens the prefix cache would give now."""


def rendering(
    text: str, begins: Sequence[int], tokens: Sequence[int], cached: int
) -> ChatRendering:
    """From what the engine says, which counts in bytes, with -1 for None."""
    data = text.encode()
    places: list[int | None] = []
    at = characters = 0
    for begin in begins:
        if begin < 0:
            places.append(None)
            continue
        if begin < at:  # templates may turn messages round
            at = characters = 0
        characters += len(data[at:begin].decode())
        at = begin
        places.append(characters)
    return ChatRendering(text, tuple(places), tokens, cached)
