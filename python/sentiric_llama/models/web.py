# SPDX-License-Identifier: AGPL-3.0-only
"""The HTTP client of downloads: two schemes, few redirects, no key on a foreign host.

Proxies and certificates come from the usual variables (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE).
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import IO, Any, cast
from urllib.parse import urljoin, urlsplit

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.models.reference import is_loopback

MAX_REDIRECTS = 5
_SECRET_HEADERS = ("authorization", "cookie")


def open_url(url: str, headers: Mapping[str, str], timeout_s: float) -> http.client.HTTPResponse:
    """A GET whose body is still to be read. `timeout_s` bounds every single wait.

    Raises urllib.error.HTTPError for status codes from 400, OSError or HTTPException for the way.
    """
    request = urllib.request.Request(url, headers=dict(headers))
    return cast(http.client.HTTPResponse, _opener().open(request, timeout=timeout_s))


def require_safe(url: str, *, is_pinned: bool) -> None:
    """Plain http only on this machine, or for content that a checksum pins."""
    parts = urlsplit(url)
    if parts.scheme == "https" or is_pinned or is_loopback(parts.hostname or ""):
        return
    raise InvalidArgument(
        f"{parts.scheme}://{parts.netloc} is not encrypted; use https, or pin the content with "
        "#sha256=... or MODEL_SHA256",
        where="model",
    )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few, never from https to http, and leaves keys behind at the border."""

    max_redirections = MAX_REDIRECTS
    max_repeats = 2

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
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in ("http", "https") or (old.scheme, new.scheme) == ("https", "http"):
            raise urllib.error.HTTPError(
                req.full_url, 495, f"redirected to {new.scheme}", headers, fp
            )
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and (old.scheme, old.netloc) != (new.scheme, new.netloc):
            for name in list(following.headers):
                if name.lower() in _SECRET_HEADERS:
                    following.remove_header(name)
        return following


def _opener() -> urllib.request.OpenerDirector:
    """Without the handlers for files, FTP and data addresses that urllib adds by itself."""
    opener = urllib.request.OpenerDirector()
    handlers: list[Any] = [
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _Redirects(),
    ]
    for handler in handlers:
        opener.add_handler(handler)
    return opener
