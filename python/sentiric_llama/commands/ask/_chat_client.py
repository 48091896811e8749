# SPDX-License-Identifier: AGPL-3.0-only
"""Flags of the verbs that let a model write, and the partner they mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from sentiric_llama.commands._server import add_server, grpc_of, server_of
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

if TYPE_CHECKING:
    from sentiric_llama.client.chat_client import ChatClient, GenerationOptions
    from sentiric_llama.engine.blocking import Engine

CONTEXT_SIZE = 4096
"""By default, or what a smaller model was trained with: long contexts take much memory."""


def add_chatter(parser: argparse.ArgumentParser) -> None:
    """Who answers, and how."""
    add_local(parser)
    group = parser.add_argument_group(say("the answer"))
    group.add_argument(
        "-s", "--system-prompt", default="", metavar="TEXT", help=say("system prompt")
    )
    group.add_argument(
        "-n", "--max-tokens", type=int, metavar="N", help=say("most tokens of an answer")
    )
    group.add_argument("--temperature", type=float, metavar="N", help=say("randomness; 0 is none"))
    group.add_argument(
        "--top-p", type=float, metavar="N", help=say("share of the likeliest tokens")
    )
    group.add_argument("--top-k", type=int, metavar="N", help=say("number of the likeliest tokens"))
    group.add_argument(
        "--seed", type=int, metavar="N", help=say("the same seed gives the same text")
    )
    text = say("end the answer before this text; may be repeated")
    group.add_argument("--stop", action="append", default=[], metavar="TEXT", help=text)
    add_server(parser, timeout_s=600)


def add_local(parser: argparse.ArgumentParser) -> None:
    """A model in this process instead of a server."""
    group = parser.add_argument_group(say("without a server"))
    text = say("load this model here: a path, org/repo[:QUANT] or guide")
    group.add_argument("-m", "--model", metavar="MODEL", help=text)
    text = say("tokens of its context; 0 is what it was trained with")
    group.add_argument("--context-size", type=int, default=CONTEXT_SIZE, metavar="N", help=text)
    text = say("CPU threads; 0 is one for each core")
    group.add_argument("--compute-threads", type=int, default=0, metavar="N", help=text)


def chatter_of(arguments: argparse.Namespace, terminal: Terminal) -> ChatClient:
    """The server, or the model that was named."""
    from sentiric_llama.client.chat_client import LocalChatter

    if arguments.model is None:
        return remote_chatter(arguments)
    from sentiric_llama.engine.blocking import Engine

    path, name, config = _local(arguments, terminal)
    return LocalChatter(Engine(path, **config), name)


def remote_chatter(arguments: argparse.Namespace) -> ChatClient:
    """The server, over the protocol that was asked for."""
    from sentiric_llama.client.chat_client import RemoteChatter

    if (server := grpc_of(arguments)) is None:
        return RemoteChatter(server_of(arguments))
    from sentiric_llama.client.grpc_chat_client import GrpcChatClient

    return GrpcChatClient(server)


def engine_of(arguments: argparse.Namespace, terminal: Terminal) -> Engine:
    """An engine of the model that was named."""
    from sentiric_llama.engine.blocking import Engine

    path, _, config = _local(arguments, terminal)
    return Engine(path, **config)


def wishes_of(arguments: argparse.Namespace) -> GenerationOptions:
    """What was asked for."""
    from sentiric_llama.client.chat_client import GenerationOptions

    return GenerationOptions(
        max_tokens=arguments.max_tokens,
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        top_k=arguments.top_k,
        seed=arguments.seed,
        stop=tuple(arguments.stop),
    )


def _local(arguments: argparse.Namespace, terminal: Terminal) -> tuple[str, str, dict[str, Any]]:
    from sentiric_llama.commands.store._progress import shown
    from sentiric_llama.gguf.facts import facts_of
    from sentiric_llama.models import resolve

    with shown(terminal) as report:
        found = resolve(arguments.model, report=report)
    trained = facts_of([found.path]).context_length or CONTEXT_SIZE
    config = {
        "contexts": 1,
        "context_size": min(arguments.context_size, trained),
        "threads": arguments.compute_threads,
    }
    return str(found.path), found.name, config
