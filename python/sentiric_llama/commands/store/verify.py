# SPDX-License-Identifier: AGPL-3.0-only
"""`verify [MODEL...]`: reads models of the cache anew and compares them with their checksums."""

from __future__ import annotations

import argparse

from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

SOMETHING_WRONG = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The models; all of them without a name."""
    parser.epilog = "  {program} verify\n  {program} verify org/repo:Q8_0\n"
    text = say("cached models (default: all)")
    parser.add_argument("models", metavar="MODEL", nargs="*", help=text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the state of every file. Exits with 1 when one is not as it should be."""
    from sentiric_llama.models.inventory import find_stored, stored_models, verify

    names = arguments.models
    wanted = [model for name in names for model in find_stored(name)] if names else stored_models()
    found = [(model.reference, path, state) for model in wanted for path, state in verify(model)]
    if terminal.as_json:
        keys = ("model", "path", "state")
        terminal.answer_json(
            [dict(zip(keys, map(str, row), strict=True)) for row in found],
        )
    elif not found:
        terminal.note(say("nothing to verify: no model is cached"))
    else:
        header = (say("STATE"), say("FILE"), say("MODEL"))
        rows = [(say(state), path.name, name) for name, path, state in found]
        terminal.answer_table(header, rows)
    is_bad = any(state in ("damaged", "missing", "invalid") for _, _, state in found)
    return SOMETHING_WRONG if is_bad else 0
