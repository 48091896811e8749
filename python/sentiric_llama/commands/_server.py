# SPDX-License-Identifier: AGPL-3.0-only
"""Flags of the commands that talk to a running server, and the server they mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from sentiric_llama.commands._numbers import seconds
from sentiric_llama.host.product import PREFIX
from sentiric_llama.locale.messages import say

if TYPE_CHECKING:
    from sentiric_llama.client.configured import ConfiguredServer
    from sentiric_llama.client.grpc_server import GrpcServer
    from sentiric_llama.client.server import Server

_KEYS = ("api_key", "api_key_file", "admin_key", "admin_key_file")
"""Settings that are flags of these commands, too."""


def add_server(
    parser: argparse.ArgumentParser, *, timeout_s: float | None = 60.0, has_grpc: bool = True
) -> None:
    """Address, key, certificates and timeout; None when the command has a timeout of its own."""
    group = parser.add_argument_group(say("server"))

    def add(*names: str, text: str, default: Any = None, **options: Any) -> None:
        group.add_argument(*names, default=default, help=text, **options)

    text = say("server URL (default: the server that is configured here, as serve reads it)")
    add("--url", "--http-endpoint", metavar="URL", text=text)
    text = say("a TOML file with the settings of the server, see docs/settings.md")
    add("--config", metavar="FILE", text=text)
    text = say("API key; safer in the variable LLM_LLAMA_SERVICE_API_KEY")
    add("--api-key", metavar="KEY", text=text)
    add("--api-key-file", metavar="FILE", text=say("a file that contains it"))
    add("--ca-file", metavar="FILE", text=say("CA certificates to trust besides the system's"))
    add("--cert-file", metavar="FILE", text=say("client certificate, for mutual TLS"))
    add("--key-file", metavar="FILE", text=say("private key of --cert-file"))
    if timeout_s is not None:
        text = say("read timeout in seconds (default: {value})", value=f"{timeout_s:g}")
        add("--timeout", type=seconds(), default=timeout_s, metavar="SECONDS", text=text)
    if has_grpc:
        _add_grpc(parser)


def _add_grpc(parser: argparse.ArgumentParser) -> None:
    """For commands that can use it: instead of HTTP, or health and wait in addition to it."""
    group = parser.add_argument_group("gRPC")
    text = say(
        "use gRPC at this address (health and wait check both); grpcs:// or --ca-file for TLS"
    )
    group.add_argument("--grpc-endpoint", default="", metavar="HOST:PORT", help=text)


def add_admin_key(parser: argparse.ArgumentParser) -> None:
    """For the commands that change the server."""
    text = say("admin key; safer in the variable LLM_LLAMA_SERVICE_ADMIN_KEY")
    parser.add_argument("--admin-key", default=None, metavar="KEY", help=text)
    text = say("a file that contains it") + f" [{PREFIX}ADMIN_KEY_FILE]"
    parser.add_argument("--admin-key-file", default=None, metavar="FILE", help=text)


def configured_of(arguments: argparse.Namespace) -> ConfiguredServer:
    """The server that flags and configuration describe."""
    from sentiric_llama.client.configured import configured, flags_of

    values = vars(arguments)
    keys = {name: values[name] for name in _KEYS if values.get(name) is not None}
    return configured(flags_of(values), arguments.config or "", **keys)


def server_of(
    arguments: argparse.Namespace,
    timeout_s: float | None = None,
    *,
    reads_statistics: bool = False,
) -> Server:
    """That server over HTTP. Raises InvalidArgument for a wrong address."""
    silence_s = arguments.timeout if timeout_s is None else timeout_s
    return configured_of(arguments).http(silence_s, reads_statistics=reads_statistics)


def grpc_of(arguments: argparse.Namespace, timeout_s: float | None = None) -> GrpcServer | None:
    """That server over gRPC; None when no address was named."""
    if not arguments.grpc_endpoint:
        return None
    silence_s = arguments.timeout if timeout_s is None else timeout_s
    return configured_of(arguments).grpc(silence_s)
