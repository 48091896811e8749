# SPDX-License-Identifier: AGPL-3.0-only
"""`/metrics` for Prometheus, an application of its own on a port of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sentiric_llama.config import Settings, key_ring
from sentiric_llama.http.auth import ApiKeyAuth, metrics_needs
from sentiric_llama.http.errors import HttpError, UnexpectedErrorMiddleware, handle_error
from sentiric_llama.http.limits import BodyLimits, HeaderLimits
from sentiric_llama.http.linger import LingeringClose

PLAIN = "text/plain; version=0.0.4; charset=utf-8"


def build_metrics_app(
    registry: CollectorRegistry, settings: Settings, started_at: float
) -> Starlette:
    """An ASGI application with one route. `started_at` is in seconds since 1970."""
    layers = [
        Middleware(UnexpectedErrorMiddleware),
        Middleware(LingeringClose),
        Middleware(HeaderLimits),
    ]
    keys = key_ring(settings)
    if keys.locks("metrics"):
        layers.append(Middleware(ApiKeyAuth, keys=keys, needs=metrics_needs))
    layers.append(Middleware(BodyLimits, max_bytes=settings.max_body_bytes))
    page = MetricsPage(registry, started_at)
    app = Starlette(
        routes=[Route("/metrics", page.get, methods=["GET"])],
        middleware=layers,
        exception_handlers={HTTPException: handle_error, HttpError: handle_error},
    )
    app.router.redirect_slashes = False
    return app


class MetricsPage:
    """Plain text 0.0.4, or OpenMetrics for a scraper that asks for it."""

    def __init__(self, registry: CollectorRegistry, started_at: float) -> None:
        self._registry = registry
        self._headers = {"process-start-time-unix": str(int(started_at))}

    async def get(self, request: Request) -> Response:
        accept = request.headers.get("accept", "")
        if "application/openmetrics-text" in accept:
            encode, content_type = choose_encoder(accept)
        else:
            encode, content_type = generate_latest, PLAIN
        body = encode(self._registry)
        return Response(body, headers=self._headers | {"content-type": content_type})
