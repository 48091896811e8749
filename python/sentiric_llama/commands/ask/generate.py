# SPDX-License-Identifier: AGPL-3.0-only
"""`generate PROMPT`: one answer on standard output, nothing else."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiric_llama.commands.ask._chat_client import add_chat_options, chat_client_of, options_of
from sentiric_llama.commands.ask._input import checked_words, json_of_file
from sentiric_llama.host.standard_input import text_of_input
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

if TYPE_CHECKING:
    from sentiric_llama.client.chat_client import ChatClient, GenerationOptions
    from sentiric_llama.types import Final

EXAMPLES = """\
  {program} generate "Which port does HTTP use?"
  git diff | {program} generate "Write a commit message" -n 100
  {program} generate -f notes.txt --schema summary.json "Summarise"
  {program} generate --choice yes --choice no "Does HTTP use port 16070?"
  {program} generate -m guide --seed 7 "Who are you?"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The prompt, and how it is answered."""
    parser.epilog = EXAMPLES
    text = say("the prompt; - or a pipe appends standard input")
    parser.add_argument("prompt", nargs="*", metavar="PROMPT", help=text)
    text = say("attach a text file; repeatable")
    parser.add_argument("-f", "--file", action="append", default=[], type=Path, help=text)
    form = parser.add_mutually_exclusive_group()
    text = say("constrain the answer to the JSON schema in this file")
    form.add_argument("--schema", type=Path, metavar="FILE", help=text)
    form.add_argument(
        "--json-mode", action="store_true", help=say("constrain the answer to a JSON object")
    )
    text = say("constrain the answer to the GBNF grammar in this file")
    form.add_argument("--grammar", type=Path, metavar="FILE", help=text)
    text = say("constrain the answer to texts that this regular expression matches as a whole")
    form.add_argument("--regex", metavar="PATTERN", help=text)
    text = say("constrain the answer to this text; repeat for others")
    form.add_argument("--choice", action="append", metavar="TEXT", help=text)
    text = say("print the answer only when it is complete")
    parser.add_argument("--no-stream", action="store_true", help=text)
    parser.add_argument(
        "--stats", action="store_true", help=say("print statistics to standard error")
    )
    add_chat_options(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Writes the answer as it comes; with --json one OpenAI object.

    Exits with 1 if the answer stops where its constraint does not allow an end.
    """
    from contextlib import closing

    prompt = prompt_of(arguments)
    options = _shaped(options_of(arguments), arguments)
    system = arguments.system_prompt
    turns = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": prompt})
    is_shown = not (arguments.no_stream or terminal.as_json)
    with closing(chat_client_of(arguments, terminal)) as client:
        text, final, note = _answer(client, turns, options, terminal if is_shown else None)
    if terminal.as_json:
        terminal.answer_json(completion(text, final))
    elif not is_shown:
        terminal.pass_on(f"{text}\n")
    if arguments.stats:
        terminal.note(note)
    return _checked_end(final, terminal)


def prompt_of(arguments: argparse.Namespace) -> str:
    """Files, words and standard input as one message. InvalidArgument when there is nothing."""
    from sentiric_llama.client.repl.conversation import read_text
    from sentiric_llama.errors import InvalidArgument

    words = " ".join(word for word in arguments.prompt if word != "-")
    parts = [f"{path.name}:\n\n{read_text(path)}" for path in arguments.file]
    parts.append(checked_words(words, "PROMPT"))
    if "-" in arguments.prompt or _is_piped():
        parts.append(text_of_input())
    prompt = "\n\n".join(part for part in parts if part.strip())
    if not prompt:
        text = "none given; pass it as an argument or on standard input"
        raise InvalidArgument(text, where="PROMPT")
    return prompt


def _checked_end(final: Final, terminal: Terminal) -> int:
    """Says that an answer is unfinished, for programs by the exit code."""
    if not final.unfinished:
        return 0
    terminal.note(say("the answer is unfinished: raise --max-tokens, or check --stop"))
    return 1


def completion(text: str, final: Final) -> dict[str, Any]:
    """In OpenAI's shape, with llama.cpp's timings."""
    usage = final.usage
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": final.finish_reason}
    return {
        "object": "chat.completion",
        "choices": [choice | ({"unfinished": True} if final.unfinished else {})],
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        },
        "timings": {name: getattr(final.timings, name) for name in type(final.timings).__slots__},
    }


def _answer(
    client: ChatClient,
    turns: list[dict[str, str]],
    options: GenerationOptions,
    terminal: Terminal | None,
) -> tuple[str, Final, str]:
    """Text, end and numbers of one answer, shown as it comes on `terminal`."""
    import time

    from sentiric_llama.client.repl.text import numbers
    from sentiric_llama.types import Delta

    started, first = time.monotonic(), 0.0
    pieces: list[str] = []
    last = Delta()
    for last in client.answer(turns, options):
        if last.text:
            first = first or time.monotonic()
            pieces.append(last.text)
            if terminal is not None:
                terminal.pass_on(last.text)
    assert last.final is not None, "every stream ends with its end"
    if terminal is not None:
        terminal.pass_on("\n")
    ttft_ms = 1e3 * ((first or time.monotonic()) - started)
    return "".join(pieces), last.final, numbers(last.final, ttft_ms, last.truncation)


def _shaped(options: GenerationOptions, arguments: argparse.Namespace) -> GenerationOptions:
    """With the form that the answer must have."""
    from dataclasses import replace

    from sentiric_llama.client.repl.conversation import read_text

    if arguments.grammar:
        return replace(options, grammar=read_text(arguments.grammar))
    if arguments.regex is not None:
        return replace(options, regex=_pattern(arguments.regex))
    if arguments.choice:
        texts = [checked_words(text, "--choice") for text in arguments.choice]
        return replace(options, choices=tuple(texts))
    if arguments.schema is None:
        return replace(options, is_json=arguments.json_mode)
    return replace(options, json_schema=json_of_file(arguments.schema, "--schema"))


def _pattern(text: str) -> str:
    from sentiric_llama.errors import InvalidArgument

    if not text:
        raise InvalidArgument("must not be empty", where="--regex")
    return checked_words(text, "--regex")


def _is_piped() -> bool:
    """True when standard input is a pipe or a file, and not simply absent."""
    import os
    import stat

    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
