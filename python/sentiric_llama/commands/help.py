# SPDX-License-Identifier: AGPL-3.0-only
"""`help [COMMAND]`: the same text as `COMMAND --help`."""

from __future__ import annotations

import argparse

from sentiric_llama.commands.table import COMMAND_OF
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command to explain."""
    text = say("command to explain")
    parser.add_argument("topic", nargs="?", choices=tuple(COMMAND_OF), metavar="COMMAND", help=text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the help."""
    from sentiric_llama.commands.parser import build_parser

    words = [arguments.topic] if arguments.topic else []
    parser, commands = build_parser(words, terminal.program)
    text = (commands[arguments.topic] if arguments.topic else parser).format_help()
    if terminal.as_json:
        terminal.answer_json({"help": text})
    else:
        terminal.answer(text.rstrip())
    return 0
