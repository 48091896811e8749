# SPDX-License-Identifier: AGPL-3.0-only
"""Shows what a model thinks apart from what it answers."""

from __future__ import annotations

from sentiric_llama.host.terminal import Terminal


class Thoughts:
    """Of one answer: dim, on standard error, and only where a person reads it."""

    def __init__(self, terminal: Terminal, *, is_shown: bool) -> None:
        self._terminal = terminal
        self._is_shown = is_shown
        self._is_open = False

    def show(self, text: str) -> None:
        """The next piece of a thought."""
        if self._is_shown and text:
            self._is_open = True
            self._terminal.show_aside(text)

    def end(self) -> None:
        """The answer, or what ends it, begins on a line of its own. Idempotent."""
        if self._is_open:
            self._terminal.show_aside("\n")
        self._is_open = False
