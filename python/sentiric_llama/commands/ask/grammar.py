# SPDX-License-Identifier: AGPL-3.0-only
"""`grammar check FILE`: whether a schema or grammar compiles, and what it says about texts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiric_llama.commands._numbers import count
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.standard_input import text_of_input
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

if TYPE_CHECKING:
    from sentiric_llama.engine.grammar.grammar import Grammar

KINDS = ("json_schema", "gbnf", "regex", "choice")
MAX_FILE_BYTES = 64 << 20
EXAMPLES = """\
  {program} grammar check person.schema.json --sample 3
  {program} grammar check person.schema.json --against answers.jsonl
  {program} grammar check list.gbnf --against answer.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, its kind, and what to do with it."""
    parser.epilog = EXAMPLES
    parser.add_argument("action", choices=("check",), help=say("compile the file"))
    text = say("a JSON schema (*.json) or a grammar (*.gbnf); - reads standard input")
    parser.add_argument("file", metavar="FILE", help=text)
    text = say("what the file is, if its name does not tell")
    parser.add_argument("--kind", choices=KINDS, help=text)
    text = say("print N random texts that it allows")
    parser.add_argument("--sample", metavar="N", type=count(0, 10_000), default=0, help=text)
    text = say("check a text; every line of a *.jsonl file is one")
    parser.add_argument("--against", metavar="DATA", help=text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Exits with 0 if it compiles and accepts all texts, 1 if it refuses one."""
    grammar = _compiled(arguments)
    samples = [grammar.sample(seed) for seed in range(int(arguments.sample))]
    verdicts = [(place, grammar.explain(text)) for place, text in _texts(arguments.against)]
    if terminal.as_json:
        found = [{"text": place, "accepted": v.accepted, "why": str(v)} for place, v in verdicts]
        terminal.answer_json({"kind": grammar.kind, "samples": samples, "against": found})
    else:
        for sample in samples:
            terminal.answer_line(sample)
        for place, verdict in verdicts:
            terminal.answer_line(f"{place}: {verdict}")
        if not samples and not verdicts:
            terminal.answer_line(say("the grammar compiles"))
    return 0 if all(verdict.accepted for _, verdict in verdicts) else 1


def _compiled(arguments: argparse.Namespace) -> Grammar:
    from sentiric_llama.engine.grammar.grammar import Grammar
    from sentiric_llama.types import Grammar as Wanted

    kind: Any = arguments.kind or ("gbnf" if arguments.file.endswith(".gbnf") else "json_schema")
    text = text_of_input() if arguments.file == "-" else _read(arguments.file, "FILE")
    if kind in ("regex", "choice"):
        text = text.removesuffix("\n")
    return Grammar.of(Wanted(kind, text))


def _texts(against: str | None) -> Iterator[tuple[str, str]]:
    """Each text with its name."""
    if against is None:
        return
    text = _read(against, "--against")
    if not against.endswith(".jsonl"):
        yield against, text.removesuffix("\n")
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{against}:{number}", line.strip()


def _read(name: str, where: str) -> str:
    try:
        with Path(name).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidArgument(f"cannot be read: {error.strerror}", where=where) from None
    if len(data) > MAX_FILE_BYTES:
        raise InvalidArgument(f"too long; allowed {MAX_FILE_BYTES} bytes", where=where)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"is not UTF-8 from byte {error.start} on", where=where) from None
