# SPDX-License-Identifier: AGPL-3.0-only
"""`pull MODEL`: fetches a model, compares it with its checksum, prints where it lies."""

from __future__ import annotations

import argparse

from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

EXAMPLES = """\
  {program} pull ggml-org/gemma-3-1b-it-GGUF          the best of its files for most machines
  {program} pull org/repo:Q8_0                        one quantisation
  {program} pull org/repo/folder/model.gguf           one file
  {program} pull https://host/model.gguf#sha256=...   any address, pinned by its checksum
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, and what it must be."""
    parser.epilog = EXAMPLES
    text = say("org/repo, org/repo:QUANT, org/repo/file.gguf or an https address")
    parser.add_argument("model", metavar="MODEL", help=text)
    text = say("expected SHA-256 of the file; repeat for each part of a split model")
    parser.add_argument("--sha256", action="append", default=[], metavar="HEX", help=text)
    text = say("branch, tag or commit of the repository")
    parser.add_argument("--revision", default="main", metavar="NAME", help=text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the path; of a split model that of its first part."""
    from sentiric_llama.commands.store._progress import shown
    from sentiric_llama.gguf.facts import facts_of
    from sentiric_llama.models import pull

    with shown(terminal) as report:
        found = pull(
            arguments.model,
            report=report,
            sha256=tuple(text.lower() for text in arguments.sha256),
            revision=arguments.revision,
        )
    facts = facts_of([found.path])
    if terminal.as_json:
        terminal.answer_json({"name": found.name, "path": str(found.path)})
        return 0
    if facts.licence:
        terminal.note(say("licence: {licence}", licence=facts.licence))
    terminal.answer(str(found.path))
    return 0
