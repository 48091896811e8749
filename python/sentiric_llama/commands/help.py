# SPDX-License-Identifier: AGPL-3.0-only
"""`help [VERB]`: the same text as `VERB --help`."""

from __future__ import annotations

import argparse

from sentiric_llama.commands import VERB_OF
from sentiric_llama.messages import say
from sentiric_llama.terminal import Terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb to explain."""
    text = say("the verb to explain")
    parser.add_argument("topic", nargs="?", choices=tuple(VERB_OF), metavar="VERB", help=text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the help."""
    from sentiric_llama.cli import build_parser

    words = [arguments.topic] if arguments.topic else []
    parser, verbs = build_parser(words, terminal.program)
    text = (verbs[arguments.topic] if arguments.topic else parser).format_help()
    if terminal.as_json:
        terminal.answer_json({"help": text})
    else:
        terminal.answer(text.rstrip())
    return 0
