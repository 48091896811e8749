# SPDX-License-Identifier: AGPL-3.0-only
"""`tokenize TEXT`: the ids that a text becomes."""

from __future__ import annotations

import argparse

from sentiric_llama.commands._server import add_server, server_of
from sentiric_llama.commands.ask._chat_client import add_local, engine_of
from sentiric_llama.commands.ask._input import checked_words
from sentiric_llama.host.standard_input import text_of_input
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The text, and who cuts it."""
    parser.epilog = '  {program} tokenize "Merhaba dünya"\n  {program} tokenize -m guide - < text\n'
    parser.add_argument("text", metavar="TEXT", help=say("the text; - reads standard input"))
    text = say("one line per token, with its text")
    parser.add_argument("--pieces", action="store_true", help=text)
    parser.add_argument("--count", action="store_true", help=say("print only the number of tokens"))
    add_local(parser)
    add_server(parser, has_grpc=False)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the ids in one line, their number, or a table."""
    is_input = arguments.text == "-"
    text = text_of_input() if is_input else checked_words(arguments.text, "TEXT")
    tokens, pieces = _tokens(arguments, terminal, text)
    if terminal.as_json:
        terminal.answer_json({"count": len(tokens), "tokens": tokens, "pieces": pieces})
    elif arguments.count:
        terminal.answer(str(len(tokens)))
    elif arguments.pieces:
        rows = [(str(i), repr(piece)) for i, piece in zip(tokens, pieces, strict=True)]
        terminal.answer_table((say("TOKEN"), say("TEXT")), rows)
    else:
        terminal.answer(" ".join(map(str, tokens)))
    return 0


def _tokens(
    arguments: argparse.Namespace, terminal: Terminal, text: str
) -> tuple[list[int], list[object]]:
    """Ids and their texts; a piece that is no whole character is a list of bytes from a server."""
    if arguments.model is not None:
        with engine_of(arguments, terminal) as engine:
            tokens = engine.tokenize(text)
            return tokens, [engine.detokenize([token], show_special=True) for token in tokens]
    body = {"content": text, "with_pieces": True, "parse_special": False}
    found = server_of(arguments).post("/tokenize", body)["tokens"]
    return [item["id"] for item in found], [item["piece"] for item in found]
