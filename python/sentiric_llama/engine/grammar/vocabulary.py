# SPDX-License-Identifier: AGPL-3.0-only
"""The tokens that masks are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sentiric_llama import _host

if TYPE_CHECKING:
    from sentiric_llama.engine.facts import EngineFacts


class Vocabulary:
    """`token_bytes[t]` is what token `t` adds to a text; b"" for one that is never allowed.

    Masks are kept for each state of a grammar that they were made for. Any thread.
    """

    def __init__(self, token_bytes: Sequence[bytes]) -> None:
        tokens: Any = list(token_bytes)
        self._native = _host.Vocabulary(tokens)

    @classmethod
    def of(cls, engine: EngineFacts) -> Self:
        """The tokens of an open engine's model; control tokens, which are no text, are b""."""
        core, ids = engine.handle.core, list(range(engine.info.num_vocab))
        pieces = core.token_pieces(ids)
        # Twice, because the first blank of a text may be left out.
        return cls([pieces[t] if core.detokenize([t, t], False) else b"" for t in ids])

    def __len__(self) -> int:
        return self._native.num_tokens

    def mask(self, matcher: _host.Matcher) -> NDArray[np.bool_]:
        """The tokens that may come next: one bool for each, shape (number of tokens,)."""
        words = matcher.mask(self._native)
        bits = np.unpackbits(words.view(np.uint8), bitorder="little", count=len(self))
        return bits.view(np.bool_)
