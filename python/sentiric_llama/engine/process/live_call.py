# SPDX-License-Identifier: AGPL-3.0-only
"""A question that an engine process has not answered yet, such as tokens or embeddings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from sentiric_llama.engine.process.client import encoded


@dataclass(eq=False, slots=True)
class LiveCall:
    """`make` is the message's class; it gets a number, then `values` and `options`."""

    make: Any
    values: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    suspicions: float = 0
    """Crashes that it may have caused."""

    @property
    def fingerprint(self) -> bytes:
        """Identifies what it asks for, whoever asks. Raises InvalidArgument as sending it would."""
        return hashlib.sha256(encoded(self.make(0, *self.values, **self.options))).digest()
