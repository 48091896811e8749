# SPDX-License-Identifier: AGPL-3.0-only
"""How models mark their thoughts."""

from __future__ import annotations

from dataclasses import dataclass

from sentiric_llama.engine.formats.node import Node, free, optional, sequence, text


@dataclass(frozen=True, slots=True)
class Thoughts:
    """The marks around a thought."""

    begin: str
    end: str
    between: str = "\n"
    """What models write between a mark and the thought."""
    after: str = "\n\n"
    """What they write behind the end."""
    word: str = ""
    """What a template has of the beginning, if it does not write it in one piece."""

    @property
    def closing(self) -> str:
        """What ends a thought that is too long."""
        return self.between + self.end + self.after

    def are_those_of(self, template: str) -> bool:
        """Whether a template with this source uses these marks."""
        return self.end in template and (self.word or self.begin.strip()) in template

    def node(self, *, is_open: bool) -> Node:
        """A thought. It may be left out unless it has begun already."""
        inner = sequence(free([self.end]), text(self.end), _SPACE)
        return inner if is_open else optional(sequence(text(self.begin), inner))


_SPACE: Node = {"regex": r"[ \n]{0,4}"}

KNOWN = (
    Thoughts("<think>", "</think>"),
    Thoughts("[THINK]", "[/THINK]", between="", after=""),
    Thoughts("<|START_THINKING|>", "<|END_THINKING|>", between="", after=""),
    Thoughts("<|channel>thought\n", "<channel|>", after=""),
    Thoughts("<seed:think>", "</seed:think>"),
    Thoughts("<thought>", "</thought>"),
    Thoughts("<reasoning>", "</reasoning>"),
    Thoughts("◁think▷", "◁/think▷"),
)
"""Those of the models that are known. A template that has both marks uses them."""
