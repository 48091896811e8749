# SPDX-License-Identifier: AGPL-3.0-only
"""The tokens that masks are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiric_llama import _host


class Vocabulary:
    """`token_bytes[t]` is what token `t` adds to a text; b"" for one that is never allowed.

    Masks are kept for each state of a grammar that they were made for. Any thread.
    """

    def __init__(self, token_bytes: Sequence[bytes]) -> None:
        tokens: Any = list(token_bytes)
        self._native = _host.Vocabulary(tokens)

    def __len__(self) -> int:
        return self._native.num_tokens

    def mask(self, matcher: _host.Matcher) -> NDArray[np.bool_]:
        """The tokens that may come next: one bool for each, shape (number of tokens,)."""
        words = matcher.mask(self._native)
        bits = np.unpackbits(words.view(np.uint8), bitorder="little", count=len(self))
        return bits.view(np.bool_)
