# SPDX-License-Identifier: AGPL-3.0-only
"""`rm MODEL...`: takes models out of the cache. A server that runs one keeps it until it ends."""

from __future__ import annotations

import argparse

from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The models."""
    parser.epilog = "  {program} rm org/repo:Q4_K_M\n  {program} rm org/repo          all of it\n"
    text = say("org/repo, org/repo:QUANT or org/repo/file.gguf")
    parser.add_argument("models", metavar="MODEL", nargs="+", help=text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints what went. All names are looked up first: a wrong one removes nothing."""
    from sentiric_llama.models.inventory import find_stored, remove

    found = {model.reference: model for name in arguments.models for model in find_stored(name)}
    freed = {reference: remove(model) for reference, model in found.items()}
    if terminal.as_json:
        terminal.answer_json({"removed": list(freed), "freed_bytes": sum(freed.values())})
        return 0
    for reference, size in freed.items():
        text = say("removed {model}, {size} MiB", model=reference, size=f"{size / 2**20:.1f}")
        terminal.answer_line(text)
    return 0
