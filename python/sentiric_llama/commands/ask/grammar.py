# SPDX-License-Identifier: AGPL-3.0-only
"""`grammar check FILE`: whether a schema or grammar compiles, and what it says about texts."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiric_llama.commands._numbers import count
from sentiric_llama.errors import InvalidArgument, InvalidGrammar
from sentiric_llama.host.standard_input import text_of_input
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say, say_error

if TYPE_CHECKING:
    from sentiric_llama.engine.grammar.explanation import Explanation
    from sentiric_llama.engine.grammar.grammar import Grammar
    from sentiric_llama.engine.grammar.schema_notes import SchemaNote

KINDS = ("json_schema", "gbnf", "regex", "choice")
KIND_OF_SUFFIX = {".json": "json_schema", ".gbnf": "gbnf"}
MAX_FILE_BYTES = 64 << 20
EXAMPLES = """\
  {program} grammar check person.schema.json --sample 3 --seed 7
  {program} grammar check person.schema.json --against answers.jsonl
  {program} grammar check list.gbnf --against answer.txt
  {program} grammar check words.txt --kind choice --against -
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, its kind, and what to do with it."""
    parser.epilog = EXAMPLES

    def add(*names: str, help: str, **options: Any) -> None:
        parser.add_argument(*names, help=say(help), **options)

    parser.add_argument("action", choices=("check",), help=say("compile the file"))
    text = "a JSON schema (*.json) or a grammar (*.gbnf); - reads standard input"
    add("file", metavar="FILE", help=text)
    text = (
        "what the file is, if its name does not tell; choice: a JSON list, or a text on each line"
    )
    add("--kind", choices=KINDS, help=text)
    text = "fail on unknown keywords and formats, which otherwise only get a note"
    add("--strict", action="store_true", help=text)
    text = "print N random texts that it allows"
    add("--sample", metavar="N", type=count(0, 10_000), default=0, help=text)
    text = "the same seed gives the same samples (default: 0)"
    add("--seed", metavar="N", type=count(0, 2**53), default=0, help=text)
    text = "check a text; every line of a *.jsonl file is one; - reads standard input"
    add("--against", metavar="DATA", help=text)
    text = "every line of DATA is a text, whatever its name"
    add("--lines", action="store_true", help=text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Exits with 0 if it compiles and accepts all texts, 1 if it refuses one."""
    if arguments.file == arguments.against == "-":
        raise InvalidArgument("FILE and DATA cannot both be standard input", where="--against")
    grammar = _compiled(arguments, terminal)
    notes = grammar.notes()
    samples = [grammar.sample(arguments.seed + index) for index in range(arguments.sample)]
    texts = _texts(arguments.against, is_lines=arguments.lines)
    verdicts = [(place, grammar.explain(text)) for place, text in texts]
    if terminal.as_json:
        found = [{"text": place, "accepted": v.accepted, "why": str(v)} for place, v in verdicts]
        told = [{"pointer": note.pointer, "what": note.what} for note in notes]
        answer = {"kind": grammar.kind, "notes": told, "samples": samples, "against": found}
        terminal.answer_json(answer)
    else:
        _tell(terminal, notes)
        _show(terminal, samples, verdicts)
    if arguments.strict and notes:
        terminal.note(say("the notes fail the check (--strict)"))
        return 1
    return 0 if all(verdict.accepted for _, verdict in verdicts) else 1


def _tell(terminal: Terminal, notes: Sequence[SchemaNote]) -> None:
    for note in notes:
        terminal.note(say("note: {text}", text=f"{note.pointer}: {say_error(note.what)}"))


def _show(
    terminal: Terminal, samples: Sequence[str], verdicts: Sequence[tuple[str, Explanation]]
) -> None:
    for sample in samples:
        terminal.pass_on(f"{sample}\n")
    for place, verdict in verdicts:
        terminal.answer_line(f"{place}: {_in_words(verdict)}")
    if not samples and not verdicts:
        terminal.answer_line(say("the grammar compiles"))


def _in_words(verdict: Explanation) -> str:
    """As `str`, in the language of the terminal."""
    if verdict.accepted:
        return say("accepted")
    text = say(
        "line {line}, column {column}, after {before}: got {got}, allowed {allowed}",
        line=verdict.line,
        column=verdict.column,
        before=repr(verdict.before),
        got=verdict.shown_got() or say("the end of the text"),
        allowed=verdict.shown_allowed(),
    )
    return f"{text}; {verdict.hint}" if verdict.hint else text


def _compiled(arguments: argparse.Namespace, terminal: Terminal) -> Grammar:
    """A schema that does not compile is noted, too: a typo may be why."""
    from sentiric_llama.engine.grammar.grammar import Grammar
    from sentiric_llama.engine.grammar.schema_notes import schema_notes
    from sentiric_llama.types import Grammar as Wanted

    name = arguments.file
    guessed = KIND_OF_SUFFIX.get(Path(name).suffix)
    kind: Any = arguments.kind or guessed or "json_schema"
    text = _read(name, "FILE")
    if kind == "choice" and not text.lstrip().startswith("["):
        return Grammar.from_choice([line for _, line in _lines(text)])
    if kind == "regex":
        text = _without_line_end(text)
    try:
        return Grammar.of(Wanted(kind, text))
    except InvalidGrammar as error:
        if kind == "json_schema":
            with contextlib.suppress(ValueError, RecursionError):
                _tell(terminal, schema_notes(text))
        if arguments.kind or guessed or "not JSON" not in error.what:
            raise
        what = f"{error.what}; {name} was taken for a JSON schema: use --kind"
        raise InvalidGrammar(what, where=error.where) from None


def _texts(against: str | None, *, is_lines: bool) -> Iterator[tuple[str, str]]:
    """Each text with its name. A text is taken as it is, without one line end after it."""
    if against is None:
        return
    text, name = _read(against, "--against"), say("standard input") if against == "-" else against
    if not (is_lines or against.endswith(".jsonl")):
        yield name, _without_line_end(text)
        return
    for number, line in _lines(text):
        yield f"{name}:{number}", line


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers; they may end with \\r\\n."""
    for number, line in enumerate(text.split("\n"), 1):
        if line := line.removesuffix("\r"):
            yield number, line


def _without_line_end(text: str) -> str:
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text


def _read(name: str, where: str) -> str:
    """A file in UTF-8, or standard input; a byte order mark is skipped."""
    if name == "-":
        return text_of_input()
    try:
        with Path(name).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidArgument(f"cannot read {name}: {error.strerror}", where=where) from None
    if len(data) > MAX_FILE_BYTES:
        what = f"{name} is too long; allowed {MAX_FILE_BYTES} bytes"
        raise InvalidArgument(what, where=where)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"{name} is not UTF-8 from byte {error.start} on"
        raise InvalidArgument(what, where=where) from None
