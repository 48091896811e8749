# SPDX-License-Identifier: AGPL-3.0-only
"""Request bodies. Both servers get the same bytes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# Written out, because the servers' defaults differ (ours has a repeat penalty).
DEFAULT_SAMPLING: dict[str, Any] = {
    "temperature": 0.8,
    "top_k": 40,
    "top_p": 0.95,
    "min_p": 0.05,
    "typical_p": 1.0,
    "repeat_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
GREEDY: dict[str, Any] = DEFAULT_SAMPLING | {"temperature": 0.0}
NONCE_WORDS = 6


@dataclass
class Writer:
    """Prompts of a wanted length in tokens; each starts with a nonce of its own.

    Two writers with the same seed write the same, so that both sides of a pair get equal prompts.
    """

    words: Sequence[str]
    seed: int
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def text(self, tokens: int) -> str:
        """About so many tokens, each word being one."""
        return " " + " ".join(self._random.choices(self.words, k=max(tokens, NONCE_WORDS)))

    def next_seed(self) -> int:
        return self._random.randrange(2**31)


def body(user: str, *, system: str = "", max_tokens: int = 16, **fields: Any) -> dict[str, Any]:
    """A chat request of one turn. `fields` win over the default sampling."""
    return turn_body(system, [("user", user)], max_tokens=max_tokens, **fields)


def turn_body(
    system: str, turns: Sequence[tuple[str, str]], *, max_tokens: int, **fields: Any
) -> dict[str, Any]:
    """A chat request of a conversation so far; the system prompt is always there.

    Templates add their own system prompt, the same for everyone, when there is none.
    """
    messages = [("system", system or "You answer."), *turns]
    return {
        "messages": [{"role": role, "content": content} for role, content in messages],
        "max_tokens": max_tokens,
        "ignore_eos": True,
        **DEFAULT_SAMPLING,
        **fields,
    }
