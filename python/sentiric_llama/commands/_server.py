# SPDX-License-Identifier: AGPL-3.0-only
"""Flags of the verbs that speak to a running server, and the server they mean."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sentiric_llama.host.environment import environ
from sentiric_llama.locale.messages import say

if TYPE_CHECKING:
    from sentiric_llama.client.grpc_server import GrpcServer
    from sentiric_llama.client.server import Server

_PREFIX = "LLM_LLAMA_SERVICE_"


def add_server(
    parser: argparse.ArgumentParser, *, timeout_s: float | None = 60.0, has_grpc: bool = True
) -> None:
    """Where it is, how to be let in, how long to wait; None when the verb has its own limit."""
    group = parser.add_argument_group(say("the server"))
    text = say("address of the server; by default what HOST and HTTP_PORT say")
    group.add_argument("--url", "--http-endpoint", default=None, metavar="URL", help=text)
    text = say("the server's key; better in the variable LLM_LLAMA_SERVICE_API_KEY")
    group.add_argument("--api-key", default=None, metavar="KEY", help=text)
    text = say("certificates to trust beside the system's")
    group.add_argument("--ca-file", default="", metavar="FILE", help=text)
    text = say("this client's certificate, for mutual TLS")
    group.add_argument("--cert-file", default="", metavar="FILE", help=text)
    text = say("the private key of --cert-file")
    group.add_argument("--key-file", default="", metavar="FILE", help=text)
    if timeout_s is not None:
        text = say("longest silence in seconds")
        group.add_argument("--timeout", type=float, default=timeout_s, metavar="SECONDS", help=text)
    if has_grpc:
        _add_grpc(parser)


def _add_grpc(parser: argparse.ArgumentParser) -> None:
    """For verbs that can use it: instead of HTTP, or health and wait beside it."""
    group = parser.add_argument_group("gRPC")
    text = say("ask there over gRPC; health and wait ask both. grpcs:// or --ca-file means TLS")
    group.add_argument("--grpc-endpoint", default="", metavar="HOST:PORT", help=text)


def add_admin_key(parser: argparse.ArgumentParser) -> None:
    """For the verbs that change the server."""
    text = say("the server's admin key; better in the variable LLM_LLAMA_SERVICE_ADMIN_KEY")
    parser.add_argument("--admin-key", default=None, metavar="KEY", help=text)
    text = say("a file that holds it") + f" [{_PREFIX}ADMIN_KEY_FILE]"
    parser.add_argument("--admin-key-file", default=None, metavar="FILE", help=text)


def admin_key_of(arguments: argparse.Namespace) -> str:
    """The key from the flags, else from the variables; empty when nobody gave one."""
    variables = environ()
    key, path = arguments.admin_key, arguments.admin_key_file
    if key is None and path is None:
        key = variables.get(f"{_PREFIX}ADMIN_KEY", "")
        path = variables.get(f"{_PREFIX}ADMIN_KEY_FILE", "")
    return key or (_read_secret(path) if path else "")


def _read_secret(path: str) -> str:
    from sentiric_llama.errors import InvalidArgument

    try:
        return Path(path).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InvalidArgument(f"cannot read {path}: {reason}", where="admin key") from None


def server_of(arguments: argparse.Namespace, timeout_s: float | None = None) -> Server:
    """The server of this run. Raises InvalidArgument for a wrong address."""
    from sentiric_llama.client.server import Server, checked_url

    variables = environ()
    url = checked_url(arguments.url or _default_url(variables))
    key = arguments.api_key or variables.get(f"{_PREFIX}API_KEY", "")
    silence_s = arguments.timeout if timeout_s is None else timeout_s
    files = (arguments.ca_file, arguments.cert_file, arguments.key_file)
    return Server(url, key, silence_s, *files)


def grpc_of(arguments: argparse.Namespace, timeout_s: float | None = None) -> GrpcServer | None:
    """The same server's gRPC; None when no address was named."""
    if not arguments.grpc_endpoint:
        return None
    from sentiric_llama.client.grpc_server import GrpcServer

    return GrpcServer(
        arguments.grpc_endpoint,
        arguments.api_key or environ().get(f"{_PREFIX}API_KEY", ""),
        arguments.timeout if timeout_s is None else timeout_s,
        arguments.ca_file,
        arguments.cert_file,
        arguments.key_file,
    )


def _default_url(variables: Mapping[str, str]) -> str:
    """Where a server with the same variables listens."""
    hosts = (variables.get(_PREFIX + name) for name in ("HOST", "LISTEN_ADDRESS"))
    host = next((host for host in hosts if host), "127.0.0.1")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    port = variables.get(f"{_PREFIX}HTTP_PORT") or "16070"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
