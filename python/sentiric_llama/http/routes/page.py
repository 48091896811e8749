# SPDX-License-Identifier: AGPL-3.0-only
"""The page at `/`: static files of this package, nothing from other hosts."""

from __future__ import annotations

from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

from sentiric_llama.access.rights import Access
from sentiric_llama.http.middleware.guard import Guard, GuardedRoute

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'"
)
_FILES = {
    "/": ("index.html", "text/html"),
    "/static/page.js": ("page.js", "text/javascript"),
    "/static/sse.js": ("sse.js", "text/javascript"),
    "/static/page.css": ("page.css", "text/css"),
    "/static/docs.css": ("docs.css", "text/css"),
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
}
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def page_routes(guard: Guard) -> list[GuardedRoute]:
    """One route per file. The files are read here, once."""
    folder = resources.files("sentiric_llama.http") / "static"
    return [
        guard.route(path, _Static((folder / name).read_bytes(), kind).get, "GET", Access.PUBLIC)
        for path, (name, kind) in _FILES.items()
    ]


class _Static:
    def __init__(self, body: bytes, media_type: str) -> None:
        self._body = body
        self._media_type = media_type

    async def get(self, _request: Request) -> Response:
        return Response(self._body, media_type=self._media_type, headers=HEADERS)
