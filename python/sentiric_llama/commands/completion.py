# SPDX-License-Identifier: AGPL-3.0-only
"""`completion SHELL`: a script made from the parsers themselves."""

from __future__ import annotations

import argparse

from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

SHELLS = ("bash", "zsh", "fish")
EXAMPLES = """\
  source <({program} completion bash)
  {program} completion zsh > "${{fpath[1]}}/_{program}"
  {program} completion fish > ~/.config/fish/completions/{program}.fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The name of a shell."""
    parser.epilog = EXAMPLES
    parser.add_argument("shell", choices=SHELLS, help=say("shell to complete in"))


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the script."""
    import shtab

    from sentiric_llama.commands.parser import full_parser

    script = shtab.complete(full_parser(terminal.program), arguments.shell)
    if terminal.as_json:
        terminal.answer_json({"shell": arguments.shell, "script": script})
    else:
        terminal.answer(script)
    return 0
