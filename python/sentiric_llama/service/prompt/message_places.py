# SPDX-License-Identifier: AGPL-3.0-only
"""From the messages that the engine gets back to those of the call.

The engine counts what it was given: system messages at the start are joined, a system prompt or a
description of tools is added, and those that agents repeat change their place.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.types import Message

_PLACE = re.compile(r"messages\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class MessagePlaces:
    """Where the messages of one request come from."""

    num_built: int
    given: Sequence[Message]
    """Those of the call, in the order in which they are rendered."""
    order: Sequence[int]
    """The number that each of those has in the call."""
    prompt_field: str
    """What a system message comes from that is none of the call's."""

    def blame(self, error: SentiricLlamaError) -> SentiricLlamaError:
        """The error with the number of the message in the call."""
        return renamed(error, self.place(error.where))

    @contextlib.contextmanager
    def blaming(self) -> Iterator[None]:
        """Errors of the block as `blame` words them."""
        try:
            yield
        except SentiricLlamaError as error:
            raise self.blame(error) from None

    def place(self, where: str) -> str:
        """A place in the call, for one in the request; another one stays."""
        found = _PLACE.match(where)
        if found is None:
            return where
        index = int(found[1]) - self.num_built + len(self.given)
        num_head = _num_leading_systems(self.given)
        if index < num_head or index < 0:  # in the first, which may be made of several
            if num_head == 0:
                return self.prompt_field
            index = 0
        return f"messages[{self.order[index]}]{where[found.end() :]}"


def renamed(error: SentiricLlamaError, where: str) -> SentiricLlamaError:
    """The error with another place."""
    if where == error.where:
        return error
    changed = type(error)(error.what, where=where)
    changed.retry_ms, changed.is_final = error.retry_ms, error.is_final
    return changed


def _num_leading_systems(messages: Sequence[Message]) -> int:
    kinds = ("system", "developer")
    return next((i for i, m in enumerate(messages) if m.role not in kinds), len(messages))
