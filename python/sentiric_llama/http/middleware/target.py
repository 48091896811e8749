# SPDX-License-Identifier: AGPL-3.0-only
"""Checks of the path, the host and the origin of a request, before routing.

A page of another site can reach a local server with DNS rebinding, or with requests that need no
CORS preflight. So a request must name a host of this server, and a page of another origin may only
send safe methods.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from collections.abc import Collection
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from sentiric_llama.http.errors import HttpError, error_response
from sentiric_llama.settings.config import PREFIX

# C0, DEL, C1, line and paragraph separators, and U+FFFD, which stands for invalid UTF-8.
_NO_PATH = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd]")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?", re.ASCII)
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(/.*)?", re.IGNORECASE | re.DOTALL)
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_CLOSE = {"connection": "close"}


class OwnHosts:
    """The hosts that a request may name."""

    def __init__(self, names: Collection[str]) -> None:
        """`names` in addition to this machine's own: `name`, `*.name`, or `*` for all."""
        self._names = frozenset(name.lower().rstrip(".") for name in names)

    def include(self, host: str, server: tuple[str, Any] | None) -> bool:
        """True for loopback names, the local address of the connection, and the allowed names.

        `host` is in lower case; `server` begins with the local address.
        """
        if "*" in self._names:
            return True
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1].strip("[]").rstrip(".")
        if name == "localhost" or name.endswith(".localhost") or name in self._names:
            return True
        address = _address(name)
        if address is not None:
            return address.is_loopback or bool(server and address == _address(server[0]))
        return any(f"*.{tail}" in self._names for tail in _tails(name))


class TargetRules:
    """400 for a malformed path, 421 for another host, 403 for another origin."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], origins: Collection[str] = ()) -> None:
        """`hosts` is for `OwnHosts`."""
        self._app = app
        self._hosts = OwnHosts(hosts)
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = None
        if scope["type"] == "http":
            use_origin_form(scope)
            problem = self._problem(scope)
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await error_response(problem, scope["path"])(scope, receive, send)

    def _problem(self, scope: Scope) -> HttpError | None:
        if _NO_PATH.search(scope["path"]):
            text = "the path contains control characters or invalid UTF-8"
            return HttpError(400, text, code="bad_path", headers=_CLOSE)
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        host = hosts[-1].decode("latin-1").lower() if hosts else None
        if host is not None and not self._hosts.include(host, scope.get("server")):
            return _misdirected()
        if scope["method"] not in _SAFE_METHODS and not self._may_send(scope, host or ""):
            return _foreign_origin()
        return None

    def _may_send(self, scope: Scope, host: str) -> bool:
        """True without an Origin header, for an origin of this server, and for one of `origins`."""
        found = [value for name, value in scope["headers"] if name == b"origin"]
        return all(self._is_permitted(value.decode("latin-1"), host) for value in found)

    def _is_permitted(self, origin: str, host: str) -> bool:
        if origin in self._origins or "*" in self._origins:
            return True
        try:
            parts = urllib.parse.urlsplit(origin)
        except ValueError:  # such as an unclosed bracket
            return False
        return parts.scheme in ("http", "https") and _bare(parts.netloc.lower()) == _bare(host)


def use_origin_form(scope: Scope) -> None:
    """Converts an absolute request target to a path and a Host header.

    RFC 9112 3.2.2: a server accepts both forms, and the target overrides the Host header. Changes
    the scope in place, so that the log shows the same path.
    """
    match = _ABSOLUTE.fullmatch(scope.get("raw_path") or b"")
    if match is None:
        return
    host, path = match[1], match[2] or b"/"
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    scope["path"] = urllib.parse.unquote(path.decode("latin-1"))
    scope["raw_path"] = path
    scope["headers"] = [(b"host", host), *others]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _tails(name: str) -> list[str]:
    """The parts of a name after each dot."""
    labels = name.split(".")
    return [".".join(labels[index:]) for index in range(1, len(labels))]


def _bare(netloc: str) -> str:
    """Without a default port, which a proxy in front may have added."""
    return re.sub(r":(80|443)$", "", netloc)


def _misdirected() -> HttpError:
    return HttpError(
        421,
        f"this server does not serve that host; to allow it, add it to {PREFIX}ALLOWED_HOSTS",
        code="host_not_allowed",
        headers=_CLOSE,
    )


def _foreign_origin() -> HttpError:
    return HttpError(
        403,
        f"a web page of another origin may not do this; to allow it, add the origin to "
        f"{PREFIX}CORS_ORIGINS",
        code="origin_not_allowed",
        kind="permission_error",
        headers=_CLOSE,
    )
