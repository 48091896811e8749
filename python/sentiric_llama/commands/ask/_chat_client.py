# SPDX-License-Identifier: AGPL-3.0-only
"""Flags of the commands that let a model write, and the model they mean."""

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
    group = parser.add_argument_group(say("answer"))

    def add(*names: str, help: str, **options: Any) -> None:
        group.add_argument(*names, help=say(help), **options)

    add("-s", "--system-prompt", default="", metavar="TEXT", help="system prompt")
    text = "maximum number of tokens to generate (server default: 1024)"
    add("-n", "--max-tokens", type=int, metavar="N", help=text)
    text = "sampling temperature; 0 is greedy (server default: 0.8)"
    add("--temperature", "--temp", type=float, metavar="N", help=text)
    text = "nucleus sampling probability (server default: 0.95)"
    add("--top-p", type=float, metavar="N", help=text)
    add("--top-k", type=int, metavar="N", help="sample from the K likeliest tokens (server "
        "default: 40)")  # fmt: skip
    add("--seed", type=int, metavar="N", help="the same seed gives the same text (default: random)")
    text = "stop before this text; repeatable"
    add("--stop", action="append", default=[], metavar="TEXT", help=text)
    add_server(parser, timeout_s=600)


def add_local(parser: argparse.ArgumentParser) -> None:
    """A model in this process instead of a server."""
    group = parser.add_argument_group(say("without a server"))
    text = say("load this model here: a path, org/repo[:QUANT] or guide")
    group.add_argument("-m", "--model", metavar="MODEL", help=text)
    text = say("context size in tokens; 0 for the length it was trained with (default: {value})",
               value=CONTEXT_SIZE)  # fmt: skip
    group.add_argument("--context-size", type=int, default=CONTEXT_SIZE, metavar="N", help=text)
    text = say("CPU threads; 0 for one per CPU (default: 0)")
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


def options_of(arguments: argparse.Namespace) -> GenerationOptions:
    """What was asked for. Raises InvalidArgument naming the flag that is out of range."""
    from sentiric_llama.client.chat_client import GenerationOptions
    from sentiric_llama.client.repl.slash import SETTABLE

    given = {name: getattr(arguments, name) for name in SETTABLE}
    for name, value in given.items():
        if value is not None:
            SETTABLE[name].check(value, "--" + name.replace("_", "-"))
    return GenerationOptions(**given, stop=tuple(arguments.stop))


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
        "compute_threads": arguments.compute_threads,
    }
    return str(found.path), found.name, config
