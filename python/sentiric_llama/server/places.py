# SPDX-License-Identifier: AGPL-3.0-only
"""Addresses of a running server: those to type, and what it listens on."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from sentiric_llama.server.listening import bound_url, reachable, url_of


@dataclass(frozen=True, slots=True)
class Places:
    """Where callers find the service; `bound` is what the log says that it listens on."""

    http: str
    grpc: str
    bound: str


def places_of(listener: socket.socket, grpc_url: str, scheme: str) -> Places:
    """`grpc_url` as it is bound."""
    grpc_scheme, _, address = grpc_url.partition("://")
    host, _, port = address.rpartition(":")
    grpc = f"{grpc_scheme}://{reachable(host)}:{port}"
    return Places(url_of(listener, scheme), grpc, f"{bound_url(listener, scheme)}, {grpc_url}")
