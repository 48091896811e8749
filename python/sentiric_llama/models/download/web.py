# SPDX-License-Identifier: AGPL-3.0-only
"""The HTTP client of downloads: http and https only, few redirects, no key to another host.

Proxies and certificates come from the usual variables (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE).
"""

from __future__ import annotations

import functools
import http.client
import socket
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import IO, Any, cast
from urllib.parse import urljoin

from sentiric_llama.models.download.hops import (
    MAX_REDIRECTS,
    Trip,
    place_of,
    place_of_name,
    same_origin,
)

_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")


def open_url(
    url: str, headers: Mapping[str, str], timeout_s: float, *, is_pinned: bool = False
) -> http.client.HTTPResponse:
    """A GET whose body is still to be read. `timeout_s` bounds every single wait.

    `is_pinned`: the user gave a checksum, see `hops`. Raises urllib.error.HTTPError for a status of
    400 or above, OSError or HTTPException for the network, and the errors of `Trip`.
    """
    trip = Trip(is_pinned)
    trip.go_to(url)
    request = urllib.request.Request(url, headers=dict(headers))
    answer = _opener(trip).open(request, timeout=timeout_s)
    return cast(http.client.HTTPResponse, answer)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows the redirects that the trip allows, without keys to another origin."""

    max_redirections = MAX_REDIRECTS
    max_repeats = 2

    def __init__(self, trip: Trip) -> None:
        self._trip = trip

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        newurl = urljoin(req.full_url, newurl)
        self._trip.go_to(newurl)
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and not same_origin(req.full_url, newurl):
            for name in list(following.headers):
                if name.lower() in _SECRET_HEADERS:
                    following.remove_header(name)
        return following


class _Plain(urllib.request.HTTPHandler):
    """Connections that report their address to the trip."""

    def __init__(self, trip: Trip) -> None:
        super().__init__()
        self._trip = trip

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        make = functools.partial(_connection, http.client.HTTPConnection, self._trip, req)
        return self.do_open(cast(Any, make), req)


class _Secure(urllib.request.HTTPSHandler):
    """The same over TLS: the address is checked before the handshake."""

    def __init__(self, trip: Trip) -> None:
        super().__init__()
        self._trip = trip

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        make = functools.partial(_connection, http.client.HTTPSConnection, self._trip, req)
        return self.do_open(cast(Any, make), req)


def _connection(
    kind: type[http.client.HTTPConnection],
    trip: Trip,
    request: urllib.request.Request,
    host: str,
    **options: Any,
) -> http.client.HTTPConnection:
    """Behind a proxy only the name is checked: the proxy resolves it."""
    made: Any = kind(host, **options)
    tunnelled = getattr(request, "_tunnel_host", None)
    if tunnelled or request.has_proxy():
        trip.arrive(place_of_name(urllib.parse.urlsplit(request.full_url).hostname or ""))
    else:
        made._create_connection = functools.partial(_connect, trip)
    return cast(http.client.HTTPConnection, made)


def _connect(trip: Trip, *arguments: Any, **options: Any) -> socket.socket:
    connected = socket.create_connection(*arguments, **options)
    try:
        trip.arrive(place_of(str(connected.getpeername()[0])))
    except BaseException:
        connected.close()
        raise
    return connected


def _opener(trip: Trip) -> urllib.request.OpenerDirector:
    """Without urllib's default handlers for file, FTP and data URLs."""
    opener = urllib.request.OpenerDirector()
    handlers: list[Any] = [
        urllib.request.ProxyHandler(),
        _Plain(trip),
        _Secure(trip),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _Redirects(trip),
    ]
    for handler in handlers:
        opener.add_handler(handler)
    return opener
