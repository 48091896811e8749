# SPDX-License-Identifier: AGPL-3.0-only
"""`chat`: a conversation on the terminal."""

from __future__ import annotations

import argparse

from sentiric_llama.commands.ask._chat_client import (
    add_chat_options,
    add_thoughts,
    chat_client_of,
    options_of,
)
from sentiric_llama.host.terminal import Terminal

EXAMPLES = """\
  {program} chat                          with the running server
  {program} chat --url https://host:8443  with another one
  {program} chat -m guide                 with a model in this process
"""


GUIDE_NOTE = (
    "this is the small built-in guide: it only answers questions about this service; "
    "for a real model: sentiric-llama serve ggml-org/gemma-3-1b-it-GGUF"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Who answers, and how."""
    parser.epilog = EXAMPLES
    add_chat_options(parser)
    add_thoughts(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Talks until the person leaves."""
    from contextlib import closing

    from sentiric_llama.client.repl.repl import Repl
    from sentiric_llama.models import GUIDE_NAME

    notes = {GUIDE_NAME: GUIDE_NOTE}
    options = options_of(arguments)
    with closing(chat_client_of(arguments, terminal)) as client:
        shows = not (arguments.hide_thoughts or terminal.quiet)
        repl = Repl(client, terminal, options, arguments.system_prompt, notes, shows_thoughts=shows)
        return repl.run()
