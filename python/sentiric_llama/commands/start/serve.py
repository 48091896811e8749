# SPDX-License-Identifier: AGPL-3.0-only
"""`serve [MODEL]`: the service, until a signal."""

from __future__ import annotations

import argparse
import gc

from sentiric_llama.commands._settings import add_model, add_settings, resolved_of
from sentiric_llama.commands.parser import Parser
from sentiric_llama.host.terminal import Terminal

EXAMPLES = """\
  {program} serve                                   the built-in guide, nothing to download
  {program} serve ggml-org/gemma-3-1b-it-GGUF       a repository on the Hugging Face hub
  {program} serve org/repo:Q8_0 --contexts 8        one of its files, 8 requests at a time
  {program} serve ./model.gguf --http-port 8080     a local file
"""


def add_arguments(parser: Parser) -> None:
    """MODEL and a flag for every setting."""
    parser.epilog = EXAMPLES
    add_model(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Serves until a signal; the exit code says how it ended."""
    gc.disable()  # until all is imported: a tenth of the start would be collections
    try:
        resolved = resolved_of(arguments)
        from sentiric_llama.server import serve
        from sentiric_llama.settings.profiles import Profiles

        profiles = Profiles(resolved.above)
        return serve.run(resolved.settings, profiles=profiles, given=resolved.given)
    finally:
        gc.enable()
