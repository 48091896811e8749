# SPDX-License-Identifier: AGPL-3.0-only
"""How a help text is laid out."""

from __future__ import annotations

import argparse
from typing import Any

from sentiric_llama.locale.messages import say


class Formatter(argparse.RawDescriptionHelpFormatter):
    """argparse's, with narrow columns and names of values in the language of the texts."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)

    def _format_action(self, action: argparse.Action) -> str:
        """Commands stand in their list at once, without a line for the word COMMAND."""
        if isinstance(action, argparse._SubParsersAction):
            return "".join(map(self._format_action, action._get_subactions()))
        return super()._format_action(action)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """`-n, --max-tokens N`: the value once."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"

    def _metavar_formatter(self, action: argparse.Action, default_metavar: str) -> Any:
        """Names of values in the language of the texts; choices are the values themselves."""
        plain = super()._metavar_formatter(action, default_metavar)
        if action.metavar is None:
            return plain
        return lambda size: tuple(map(say, plain(size)))

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, say("usage: ") if prefix is None else prefix)
