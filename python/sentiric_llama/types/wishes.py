# SPDX-License-Identifier: AGPL-3.0-only
"""What a caller wants of an answer that only the format of the model can give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types.request import Tool

MAX_TOOLS = 256
MAX_TOOL_NAME = 256
"""Characters."""
MAX_CALLS = 128
"""In one message."""

Calling = Literal["none", "auto", "required"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How much to think; none: not at all."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Tools and reasoning. The defaults change nothing."""

    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    """"none", "auto", "required", or the name of the tool to call."""
    allowed: frozenset[str] | None = None
    """Names of the only tools that may be called; None: all. The model is shown the others, too."""
    parallel: bool = True
    """Whether there may be several calls in one answer."""
    strict: frozenset[str] = frozenset()
    """Names of tools whose calls must not be made unless their arguments can be enforced."""
    thinks: bool | None = None
    """Whether to think before the answer; None: as the template has it."""
    effort: str = ""
    """How much to think, in a word that the template knows; "" for its default."""
    is_told_to_think: bool = False
    """The prompt asks for thoughts between `<think>` and `</think>`."""
    thinking_budget: int | None = None
    """Tokens after which a thought is ended; None: no limit."""

    @property
    def calling(self) -> Calling:
        if self.tool_choice in ("none", "auto"):
            return "none" if self.tool_choice == "none" else "auto"
        return "required"

    @property
    def callable_tools(self) -> Sequence[Tool]:
        """Raises InvalidArgument if the tool that must be called is not there."""
        if self.tool_choice in ("none", "auto", "required"):
            allowed = self.allowed
            return [tool for tool in self.tools if allowed is None or tool.name in allowed]
        chosen = [tool for tool in self.tools if tool.name == self.tool_choice]
        if not chosen:
            raise InvalidArgument("names a tool that is not in tools", where="tool_choice")
        return chosen
