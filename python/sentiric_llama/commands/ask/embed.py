# SPDX-License-Identifier: AGPL-3.0-only
"""`embed TEXT...`: one vector for each text, by a local model or a server."""

from __future__ import annotations

import argparse

from sentiric_llama.commands._server import add_server, configured_of, grpc_of
from sentiric_llama.commands.ask._chat_client import add_local, engine_of
from sentiric_llama.host.standard_input import text_of_input
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

EXAMPLES = """\
  {program} embed -m guide "a text" "another"
  {program} embed -m guide - < lines.txt
  {program} embed --url http://127.0.0.1:16070 "a text"
  {program} embed --grpc-endpoint 127.0.0.1:16071 "a text"
"""
ROUTE = "/v1/embeddings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The texts, and who reads them."""
    parser.epilog = EXAMPLES
    parser.description = say("Print embeddings by a local model (-m) or a server.")
    text = say("the texts; - reads standard input, one text per line")
    parser.add_argument("texts", metavar="TEXT", nargs="+", help=text)
    add_local(parser)
    add_server(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints a line of numbers for each text; with --json a list of lists."""
    words = (_lines() if word == "-" else [word] for word in arguments.texts)
    vectors = _vectors(arguments, terminal, [text for texts in words for text in texts])
    if terminal.as_json:
        terminal.answer_json(vectors)
    else:
        for vector in vectors:
            terminal.answer(" ".join(f"{x:.6g}" for x in vector))
    return 0


def _vectors(
    arguments: argparse.Namespace, terminal: Terminal, texts: list[str]
) -> list[list[float]]:
    if arguments.model is not None:
        with engine_of(arguments, terminal) as engine:
            return [[float(x) for x in row] for row in engine.embed(texts)]
    if (rpc := grpc_of(arguments)) is not None:
        return rpc.embed(texts)
    return _over_http(arguments, texts)


def _over_http(arguments: argparse.Namespace, texts: list[str]) -> list[list[float]]:
    """By OpenAI's route, which not every server has."""
    from sentiric_llama.errors import NotSupported

    body = {"input": texts, "encoding_format": "float"}
    configured = configured_of(arguments)
    try:
        found = configured.http(arguments.timeout).post(ROUTE, body)["data"]
    except NotSupported:
        text = f"{configured.url} has no {ROUTE}: use a local model (-m MODEL), or the server's "
        text += f"gRPC (--grpc-endpoint {configured.grpc_address})"
        raise NotSupported(text, where="embed") from None
    return [item["embedding"] for item in sorted(found, key=lambda item: item["index"])]


def _lines() -> list[str]:
    return [line for line in text_of_input().splitlines() if line.strip()]
