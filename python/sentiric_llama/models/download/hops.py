# SPDX-License-Identifier: AGPL-3.0-only
"""Where a download may go: every redirect is checked like the first address.

The user trusts the address that they name. Its server may redirect, but not from the internet into
the local network, not from TLS to plain HTTP, and not for ever.
"""

from __future__ import annotations

import enum
import ipaddress
import socket
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from sentiric_llama.errors import InvalidArgument, Unavailable

MAX_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
_FIRST_FREE_PORT = 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Place(enum.IntEnum):
    """How far inside an address is; a redirect may only lead outwards."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2
    SPECIAL = 3
    """Link-local (metadata of clouds), multicast, reserved: no redirect leads there."""


def place_of(address: str) -> Place:
    """The place of an IP address; for one that wraps an IPv4 address, of that."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return place_of(str(inner))
    if found.is_loopback:
        return Place.LOOPBACK
    if found.is_link_local or found.is_multicast or found.is_unspecified or found.is_reserved:
        return Place.SPECIAL
    return Place.PUBLIC if found.is_global else Place.PRIVATE


def place_of_name(host: str) -> Place:
    """The place by name alone: of `localhost` and of addresses; other names are public."""
    if host.lower().rstrip(".") == "localhost":
        return Place.LOOPBACK
    try:
        return place_of(host)
    except ValueError:
        return Place.PUBLIC


def looked_up(host: str) -> Place:
    """The innermost place that a name resolves to; by name alone when it does not resolve."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return place_of_name(host)
    return max((place_of(str(item[4][0])) for item in found), default=place_of_name(host))


@dataclass
class Trip:
    """The hops of one request: `go_to` before each, `arrive` with the address it connected to."""

    is_pinned: bool = False
    """The user gave a checksum, so the content may come without TLS."""
    _urls: list[SplitResult] = field(default_factory=list)
    _first: Place | None = None

    def go_to(self, url: str) -> None:
        """Checks the next URL. Raises InvalidArgument for the first, Unavailable for a redirect."""
        parts = _split(url)
        if not self._urls:
            require_safe(parts, is_pinned=self.is_pinned)
        else:
            self._check_redirect(parts)
        self._urls.append(parts)

    def arrive(self, place: Place) -> None:
        """Checks the connected address, before a byte is sent. Raises Unavailable."""
        if self._first is None:
            self._first = place
            return
        is_same_host = self._urls[-1].hostname == self._urls[0].hostname
        is_outwards = place <= self._first and place is not Place.SPECIAL
        if not is_outwards and not (is_same_host and place is self._first):
            raise _refused(
                f"from a {self._first.name.lower()} address to a {place.name.lower()} one"
            )

    def _check_redirect(self, parts: SplitResult) -> None:
        before = self._urls[-1]
        if len(self._urls) > MAX_REDIRECTS:
            raise _refused(f"more than {MAX_REDIRECTS} times")
        if parts.scheme not in _PORTS or parts.username or parts.password or not parts.hostname:
            raise _refused("to something other than a plain http or https URL")
        if (before.scheme, parts.scheme) == ("https", "http"):
            raise _refused("from https to http")
        if not is_safe(parts, is_pinned=self.is_pinned):
            raise _refused("to a URL that is not encrypted")
        port, allowed = _port(parts), {_PORTS[parts.scheme]}
        if parts.hostname == before.hostname:
            allowed.add(_port(before))
        if port not in allowed and port < _FIRST_FREE_PORT:
            raise _refused(f"to port {port}, which belongs to another service")


def require_safe(url: SplitResult, *, is_pinned: bool) -> None:
    """Raises InvalidArgument for plain http, except on this machine or with a checksum."""
    if not is_safe(url, is_pinned=is_pinned):
        raise InvalidArgument(
            f"{url.scheme}://{url.netloc} is not encrypted; use https, or pin the content with "
            "#sha256=... or MODEL_SHA256",
            where="model",
        )


def is_safe(url: SplitResult, *, is_pinned: bool) -> bool:
    """True for TLS, for pinned content, and for this machine by its name."""
    is_here = place_of_name(url.hostname or "") is Place.LOOPBACK
    return url.scheme == "https" or is_pinned or is_here


def same_origin(one: str, other: str) -> bool:
    """True when both URLs may get the same key."""
    first, second = _split(one), _split(other)
    return (first.scheme, first.hostname, _port(first)) == (
        second.scheme,
        second.hostname,
        _port(second),
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _port(parts)
    except ValueError:
        raise _refused("to an invalid URL") from None
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS.get(parts.scheme, 0)


def _refused(how: str) -> Unavailable:
    """Without the URL, which is the server's text."""
    return Unavailable(
        f"the server redirects the download {how}, which is not followed; use the final URL of the "
        "file, or ask the server's operator",
        where="model",
    )
