# SPDX-License-Identifier: AGPL-3.0-only
"""Listening sockets, their addresses, and what to change when one cannot be had."""

from __future__ import annotations

import errno
import socket
from typing import Any

from sentiric_llama.errors import InvalidArgument, SentiricLlamaError, Unavailable
from sentiric_llama.host.printable import quoted
from sentiric_llama.settings.names import PREFIX

SECOND_SERVER = "a second server needs its own --http-port, --grpc-port and --metrics-port"


def bind(
    host: str,
    port: int,
    host_name: str = f"{PREFIX}HOST",
    port_name: str = f"{PREFIX}HTTP_PORT",
) -> socket.socket:
    """A listening socket. Raises Unavailable or InvalidArgument, with what to change.

    The names say where host and port were set: by a flag, a variable or a key of a file.
    """
    family, address = address_of(host, port, host_name)
    # asyncio disables Nagle's delay only on sockets whose protocol is TCP by name.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        notice_dead_peers(listener)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise refusal(error, host, port, host_name, port_name) from None
    listener.setblocking(False)
    return listener


def address_of(host: str, port: int, name: str) -> tuple[socket.AddressFamily, Any]:
    """The address to bind. Raises InvalidArgument for an unknown host; `name` is its setting."""
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError):
        raise InvalidArgument(f"{name}: unknown host {quoted(host)}", where="serve") from None
    family, _, _, _, address = found[0]
    return family, address


def refusal(
    error: OSError, host: str, port: int, host_name: str, port_name: str
) -> SentiricLlamaError:
    """The error for an address that cannot be bound, with the setting to change."""
    if error.errno == errno.EADDRNOTAVAIL:
        return host_refusal(error, host, host_name)
    text = f"cannot listen on {host}:{port}: {error.strerror}"
    if error.errno != errno.EADDRINUSE:
        return Unavailable(f"{text}; choose another port with {port_name}", where="serve")
    told = f"stop what uses it, or choose another port with {port_name}"
    return Unavailable(f"{text}; {told} ({SECOND_SERVER})", where="serve")


def host_refusal(error: OSError, host: str, name: str) -> SentiricLlamaError:
    """The error for a host on which no port can be bound; `name` is its setting."""
    is_foreign = error.errno == errno.EADDRNOTAVAIL
    why = "is not an address of this machine" if is_foreign else f"cannot be used: {error.strerror}"
    return InvalidArgument(f"{name}: {host} {why}", where="serve")


def notice_dead_peers(listener: socket.socket) -> None:
    """Makes the kernel drop connections whose peer vanished or takes nothing.

    Accepted connections inherit the options. Without them, the service would go on working for a
    client whose machine lost power.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    seconds = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
    for name, value in (seconds | {"TCP_USER_TIMEOUT": 60_000}).items():
        if hasattr(socket, name):  # some systems lack some options
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def bound_url(listener: socket.socket, scheme: str = "http") -> str:
    """The address as it is bound: 0.0.0.0 is every interface."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """The address to type into a browser."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://{reachable(host)}:{port}"


def reachable(host: str) -> str:
    """The host to type for a server that listens on `host`."""
    known = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
    return known.get(host, f"[{host}]" if ":" in host else host)
