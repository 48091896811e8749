# SPDX-License-Identifier: AGPL-3.0-only
"""`/openapi.json`: the OpenAPI document, made when it is first asked for."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from sentiric_llama.host.off_loop import off_loop
from sentiric_llama.http.errors import dump_json
from sentiric_llama.http.middleware.guard import GuardedRoute


class Description:
    """Describes `routes`, which may grow until the first request."""

    def __init__(self, routes: Sequence[GuardedRoute]) -> None:
        self._routes = routes

    async def get(self, _request: Request) -> Response:
        """The OpenAPI document."""
        return Response(await off_loop(lambda: self._encoded), media_type="application/json")

    @functools.cached_property
    def _encoded(self) -> bytes:
        # Imported late: the models of all answers would delay every start by a tenth of a second.
        from sentiric_llama.http.openapi import openapi

        return dump_json(openapi(self._routes))
