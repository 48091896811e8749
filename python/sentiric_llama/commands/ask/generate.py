# SPDX-License-Identifier: AGPL-3.0-only
"""`generate PROMPT`: one answer on standard output, nothing else."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiric_llama.commands.ask._chat_client import (
    add_chat_options,
    add_thoughts,
    chat_client_of,
    options_of,
)
from sentiric_llama.commands.ask._input import checked_words, json_of_file
from sentiric_llama.host.standard_input import text_of_input
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentiric_llama.client.chat_client import GenerationOptions
    from sentiric_llama.client.repl.thoughts import Thoughts
    from sentiric_llama.types.chat import ChatCompletion, ChatDelta

EXAMPLES = """\
  {program} generate "Which port does HTTP use?"
  git diff | {program} generate "Write a commit message" -n 100
  {program} generate -f notes.txt --schema summary.json "Summarise"
  {program} generate --choice yes --choice no "Does HTTP use port 16070?"
  {program} generate --tools tools.json --tool-choice required "Weather in Ankara?" | jq .arguments
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
    text = say("tools that the model may call: a JSON list as OpenAI has it; prints the calls")
    parser.add_argument("--tools", type=Path, metavar="FILE", help=text)
    text = say("none, auto, required or the name of a tool (default: auto)")
    parser.add_argument("--tool-choice", default="", metavar="CHOICE", help=text)
    text = say("print the answer only when it is complete")
    parser.add_argument("--no-stream", action="store_true", help=text)
    parser.add_argument(
        "--stats", action="store_true", help=say("print statistics to standard error")
    )
    add_chat_options(parser)
    add_thoughts(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Writes the answer as it comes; with --json one OpenAI object, with --tools a line per call.

    Exits with 1 if the answer stops where its constraint does not allow an end.
    """
    from contextlib import closing

    from sentiric_llama.client.repl.thoughts import Thoughts

    prompt = prompt_of(arguments)
    options = _shaped(options_of(arguments), arguments)
    system = arguments.system_prompt
    turns = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": prompt})
    is_shown = not (arguments.no_stream or terminal.as_json or arguments.tools)
    thoughts = Thoughts(terminal, is_shown=not (arguments.hide_thoughts or terminal.quiet))
    with closing(chat_client_of(arguments, terminal)) as client:
        stream = client.answer(turns, options)
        answer, note = _answer(stream, thoughts, terminal if is_shown else None)
    if terminal.as_json:
        terminal.answer_json(completion(answer))
    elif not is_shown:
        _show_whole(answer, terminal)
    if arguments.stats:
        terminal.note(note)
    return _checked_end(answer, terminal)


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


def _show_whole(answer: ChatCompletion, terminal: Terminal) -> None:
    """The text; of an answer that calls tools, a line of JSON for each call instead.

    Nobody may make the calls of an answer that was cut, so they are not printed.
    """
    if answer.finish_reason != "tool_calls":
        terminal.pass_on(f"{answer.content}\n")
        return
    if answer.content:
        terminal.note(answer.content)
    for call in answer.tool_calls:
        terminal.answer_json_line(
            {"id": call.id, "name": call.name, "arguments": json.loads(call.arguments)}
        )


def _checked_end(answer: ChatCompletion, terminal: Terminal) -> int:
    """Says that an answer is unfinished, for programs by the exit code."""
    is_cut = bool(answer.tool_calls) and answer.finish_reason != "tool_calls"
    if not (answer.unfinished or is_cut):
        return 0
    terminal.note(say("the answer is unfinished: raise --max-tokens, or check --stop"))
    return 1


def completion(answer: ChatCompletion) -> dict[str, Any]:
    """In OpenAI's shape, with llama.cpp's timings."""
    usage = answer.usage
    message: dict[str, Any] = {"role": "assistant", "content": answer.content}
    if answer.reasoning_content:
        message["reasoning_content"] = answer.reasoning_content
    if answer.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in answer.tool_calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": answer.finish_reason}
    return {
        "object": "chat.completion",
        "choices": [choice | ({"unfinished": True} if answer.unfinished else {})],
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        },
        "timings": {name: getattr(answer.timings, name) for name in type(answer.timings).__slots__},
    }


def _answer(
    stream: Iterator[ChatDelta], thoughts: Thoughts, terminal: Terminal | None
) -> tuple[ChatCompletion, str]:
    """One answer and its numbers, shown as it comes on `terminal`."""
    import time

    from sentiric_llama.client.repl.text import numbers
    from sentiric_llama.types.chat import ChatCompletion

    started, first = time.monotonic(), 0.0
    deltas: list[ChatDelta] = []
    for delta in stream:
        deltas.append(delta)
        if delta.content or delta.reasoning_content or delta.tool_calls:
            first = first or time.monotonic()
        thoughts.show(delta.reasoning_content)
        if delta.content:
            thoughts.end()
            if terminal is not None:
                terminal.pass_on(delta.content)
    thoughts.end()
    if terminal is not None:
        terminal.pass_on("\n")
    last = deltas[-1]
    assert last.final is not None, "every stream ends with its end"
    ttft_ms = 1e3 * ((first or time.monotonic()) - started)
    return ChatCompletion.of(deltas), numbers(last.final, ttft_ms, last.truncation)


def _shaped(options: GenerationOptions, arguments: argparse.Namespace) -> GenerationOptions:
    """With the form that the answer must have."""
    from dataclasses import replace

    from sentiric_llama.client.repl.conversation import read_text

    options = replace(options, tools=_tools(arguments), tool_choice=arguments.tool_choice)
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


def _tools(arguments: argparse.Namespace) -> tuple[dict[str, Any], ...]:
    """The tools of the file, checked as far as every protocol needs it."""
    from sentiric_llama.engine.prompt.conversation import to_tools
    from sentiric_llama.errors import InvalidArgument

    if arguments.tools is None:
        if arguments.tool_choice not in ("", "none", "auto"):
            raise InvalidArgument("needs --tools", where="--tool-choice")
        return ()
    given = json_of_file(arguments.tools, "--tools")
    if not isinstance(given, list):
        raise InvalidArgument("must hold a JSON list of tools", where="--tools")
    try:
        to_tools(given)
    except InvalidArgument as error:
        raise InvalidArgument(f"{error.where}: {error.what}", where="--tools") from None
    return tuple(given)


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
