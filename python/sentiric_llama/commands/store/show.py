# SPDX-License-Identifier: AGPL-3.0-only
"""`show MODEL`: what a model file says about itself. Fetches nothing."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import in_words, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model."""
    parser.epilog = "  {program} show guide\n  {program} show org/repo:Q8_0 --json\n"
    text = say("a path, guide, or a cached model")
    parser.add_argument("model", metavar="MODEL", help=text)
    parser.add_argument("--all", action="store_true", help=say("all keys of the file"))


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints a table, or one JSON object."""
    from sentiric_llama.gguf.facts import all_values, facts_of

    paths = local_paths(arguments.model)
    facts = asdict(facts_of(paths))
    if arguments.all:
        facts |= {"values": all_values(paths[0])}
    if terminal.as_json:
        terminal.answer_json(facts)
        return 0
    rows = {**facts, **facts.pop("values", {})}
    terminal.answer_table(
        (say("FACT"), say("VALUE")), [(name, _shown(name, value)) for name, value in rows.items()]
    )
    return 0


def local_paths(model: str) -> list[Path]:
    """The files of a model that is here. ModelNotFound when it is not."""
    from sentiric_llama.models import open_guide, open_local
    from sentiric_llama.models.choice import shard_names
    from sentiric_llama.models.inventory import find_stored
    from sentiric_llama.models.reference import Guide, LocalPath, parse

    match parse(model):
        case Guide():
            return [open_guide().path]
        case LocalPath(path):
            first = open_local(path).path
            return [first.with_name(name) for name in shard_names(first.name)]
    return list(find_stored(model)[0].paths)


def _shown(name: str, value: object) -> str:
    if name == "values":
        return ""
    if name == "size_bytes" and isinstance(value, int):
        return f"{value} ({value / 2**20:.1f} MiB)"
    return " ".join(in_words(value).split())[:200]
