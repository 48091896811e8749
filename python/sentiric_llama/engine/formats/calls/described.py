# SPDX-License-Identifier: AGPL-3.0-only
"""For templates that write calls and results in the model's own format, but describe no tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sentiric_llama.engine.formats.calls.deepseek import DeepSeek, DeepSeek31
from sentiric_llama.engine.formats.calls.generic import signature
from sentiric_llama.types import Message, Tool


class _Described(DeepSeek31):
    """The system prompt describes the tools, and how to call them."""

    in_template = False

    def describe(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Sequence[Message]:
        """Behind the system prompt, so that what precedes them stays cached."""
        if not tools:
            return messages
        listed = "\n".join(map(signature, tools))
        text = f"{_HEAD}\n{listed}\n\n{_TAIL}\n{self._example}"
        if messages and messages[0].role in ("system", "developer"):
            first = replace(messages[0], content=f"{messages[0].content}\n\n{text}")
            return [first, *messages[1:]]
        return [Message("system", text), *messages]

    @property
    def _example(self) -> str:
        call = f"{self.before_name}<function>{self.after_name}{{<arguments>}}{self.after_arguments}"
        return self.marks[0] + self.opening + call + self.closing


class DescribedDeepSeek31(_Described):
    """DeepSeek V3.1's own template."""


class DescribedDeepSeek(DeepSeek, _Described):
    """Those of DeepSeek R1 and of what was distilled from it."""


_HEAD = "You can call functions. These are their signatures, one JSON object per line:"
_TAIL = "To call a function, answer in this form, and write nothing after it:"

DESCRIBED = (DescribedDeepSeek(), DescribedDeepSeek31())
