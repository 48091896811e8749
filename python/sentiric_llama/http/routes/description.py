# SPDX-License-Identifier: AGPL-3.0-only
"""`/openapi.json` and `/docs`: the OpenAPI document and its page, made when first asked for."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sentiric_llama.host.off_loop import off_loop
from sentiric_llama.http.errors import dump_json
from sentiric_llama.http.middleware.guard import GuardedRoute
from sentiric_llama.http.routes.page import HEADERS

PAGE_POLICY = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
}
"""No scripts at all."""


class Description:
    """Describes `routes`, which may grow until the first request."""

    def __init__(self, routes: Sequence[GuardedRoute]) -> None:
        self._routes = routes

    async def get(self, _request: Request) -> Response:
        """The OpenAPI document."""
        return Response(await off_loop(lambda: self._encoded), media_type="application/json")

    async def page(self, _request: Request) -> Response:
        """The page of the document. It says nothing of this server, so it is public."""
        body = await off_loop(lambda: self._page)
        return Response(body, media_type="text/html", headers=HEADERS | PAGE_POLICY)

    @functools.cached_property
    def _document(self) -> dict[str, Any]:
        # Imported late: the models of all answers would delay every start by a tenth of a second.
        from sentiric_llama.http.openapi import openapi

        return openapi(self._routes)

    @functools.cached_property
    def _encoded(self) -> bytes:
        return dump_json(self._document)

    @functools.cached_property
    def _page(self) -> bytes:
        from sentiric_llama.http.documentation.page import page_of

        return page_of(self._document).encode()
