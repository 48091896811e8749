# SPDX-License-Identifier: AGPL-3.0-only
"""Flags of the commands that let a model write, and the model they mean."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

from sentiric_llama.commands._numbers import count, number
from sentiric_llama.commands._server import add_server, grpc_of, server_of
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say
from sentiric_llama.types.ranges import MAX_TOKENS, SAMPLING_RANGES
from sentiric_llama.types.wishes import Effort

if TYPE_CHECKING:
    from sentiric_llama.client.chat_client import ChatClient, GenerationOptions
    from sentiric_llama.engine.blocking import Engine

CONTEXT_SIZE = 4096
"""The library's default; less where the model was trained with less."""


def add_chat_options(parser: argparse.ArgumentParser) -> None:
    """Who answers, and how."""
    add_local(parser)
    group = parser.add_argument_group(say("answer"))

    def add(*names: str, help: str, **options: Any) -> None:
        group.add_argument(*names, help=say(help), **options)

    add("-s", "--system-prompt", default="", metavar="TEXT", help="system prompt")
    text = "maximum number of tokens to generate (server default: 1024)"
    add("-n", "--max-tokens", type=number(MAX_TOKENS), metavar="N", help=text)
    text = "sampling temperature; 0 is greedy (server default: 0.8)"
    add("--temperature", "--temp", type=sampling("temperature"), metavar="N", help=text)
    text = "nucleus sampling probability (server default: 0.95)"
    add("--top-p", type=sampling("top_p"), metavar="N", help=text)
    text = "sample from the K likeliest tokens (server default: 40)"
    add("--top-k", type=sampling("top_k"), metavar="N", help=text)
    text = "the same seed gives the same text (default: random)"
    add("--seed", type=sampling("seed"), metavar="N", help=text)
    text = "stop before this text; repeatable"
    add("--stop", action="append", default=[], metavar="TEXT", help=text)
    add_server(parser, timeout_s=600)


def add_thoughts(parser: argparse.ArgumentParser) -> None:
    """How much the model thinks, and whether it is shown."""
    group = parser.add_argument_group(say("thoughts"))
    text = say("how much to think before the answer; none switches it off")
    group.add_argument("--reasoning", choices=get_args(Effort), default="", help=text)
    text = say("do not show thoughts, which stand dim on standard error of a terminal")
    group.add_argument("--hide-thoughts", action="store_true", help=text)


def add_local(parser: argparse.ArgumentParser) -> None:
    """A model in this process instead of a server."""
    group = parser.add_argument_group(say("without a server"))
    text = say("load this model here: a path, org/repo[:QUANT] or guide")
    group.add_argument("-m", "--model", metavar="MODEL", help=text)
    text = say("context size in tokens; 0 for the length it was trained with (default: {value})",
               value=CONTEXT_SIZE)  # fmt: skip
    group.add_argument("--context-size", type=count(0, 2**20), metavar="N", help=text)
    text = say("CPU threads; 0 for one per CPU (default: 0)")
    group.add_argument("--compute-threads", type=count(0, 1024), default=0, metavar="N", help=text)


def sampling(name: str) -> Callable[[str], float]:
    """The type of a sampling parameter's flag."""
    return number(SAMPLING_RANGES[name])


def chat_client_of(arguments: argparse.Namespace, terminal: Terminal) -> ChatClient:
    """The server, or the model that was named."""
    from sentiric_llama.client.chat_client import LocalChatClient

    if arguments.model is None:
        return remote_chat_client(arguments)
    from sentiric_llama.engine.blocking import Engine

    path, name, config = _local(arguments, terminal)
    return LocalChatClient(Engine(path, **config), name)


def remote_chat_client(arguments: argparse.Namespace) -> ChatClient:
    """The server, over the protocol that was asked for."""
    from sentiric_llama.client.chat_client import RemoteChatClient

    if (server := grpc_of(arguments)) is None:
        return RemoteChatClient(server_of(arguments))
    from sentiric_llama.client.grpc_chat_client import GrpcChatClient

    return GrpcChatClient(server)


def engine_of(arguments: argparse.Namespace, terminal: Terminal) -> Engine:
    """An engine of the model that was named."""
    from sentiric_llama.engine.blocking import Engine

    path, _, config = _local(arguments, terminal)
    return Engine(path, **config)


def options_of(arguments: argparse.Namespace) -> GenerationOptions:
    """What was asked for."""
    from sentiric_llama.client.chat_client import GenerationOptions
    from sentiric_llama.client.repl.slash import SETTABLE

    given = {name: getattr(arguments, name) for name in SETTABLE}
    return GenerationOptions(**given, stop=tuple(arguments.stop), reasoning=arguments.reasoning)


def _local(arguments: argparse.Namespace, terminal: Terminal) -> tuple[str, str, dict[str, Any]]:
    from sentiric_llama.commands.store._progress import shown
    from sentiric_llama.models import resolve

    with shown(terminal) as report:
        found = resolve(arguments.model, report=report)
    config = {"contexts": 1, "compute_threads": arguments.compute_threads}
    if arguments.context_size is not None:
        config["context_size"] = arguments.context_size
    return str(found.path), found.name, config
