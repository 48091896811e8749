# SPDX-License-Identifier: AGPL-3.0-only
"""`embed TEXT...`: one vector for each text."""

from __future__ import annotations

import argparse
import sys

from sentiric_llama.commands._server import add_server, server_of
from sentiric_llama.commands.ask._chat_client import add_local, engine_of
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The texts, and who reads them."""
    parser.epilog = (
        '  {program} embed -m guide "a text" "another"\n  {program} embed -m guide - < lines\n'
    )
    text = say("the texts; - is standard input, a text in each line")
    parser.add_argument("texts", metavar="TEXT", nargs="+", help=text)
    add_local(parser)
    add_server(parser, has_grpc=False)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints a line of numbers for each text; with --json a list of lists."""
    texts = [t for word in arguments.texts for t in (_lines() if word == "-" else [word])]
    if arguments.model is not None:
        with engine_of(arguments, terminal) as engine:
            vectors = [[float(x) for x in row] for row in engine.embed(texts)]
    else:
        body = {"input": texts, "encoding_format": "float"}
        found = server_of(arguments).post("/v1/embeddings", body)["data"]
        vectors = [item["embedding"] for item in sorted(found, key=lambda item: item["index"])]
    if terminal.as_json:
        terminal.answer_json(vectors)
    else:
        for vector in vectors:
            terminal.answer(" ".join(f"{x:.6g}" for x in vector))
    return 0


def _lines() -> list[str]:
    return [line for line in sys.stdin.read().splitlines() if line.strip()]
