# SPDX-License-Identifier: AGPL-3.0-only
"""`/metrics` for Prometheus: a separate application on its own port."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.access.rights import Access, AccessCheck
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http.errors import HttpError, UnexpectedErrorMiddleware, handle_error
from sentiric_llama.http.middleware.guard import Guard, GuardedRoute, guard_all
from sentiric_llama.http.middleware.limits import BodyLimits, HeaderLimits
from sentiric_llama.http.middleware.target import TargetRules
from sentiric_llama.http.wire.linger import LingeringClose
from sentiric_llama.http.wire.refusals import RefusedConnections
from sentiric_llama.service.body_budget import BodyBudget
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.exposure import hosts_of

PLAIN = "text/plain; version=0.0.4; charset=utf-8"


def build_metrics_app(
    registry: CollectorRegistry, settings: Settings, keys: KeyRing, started_at: float
) -> Starlette:
    """The ASGI application of the metrics port. `started_at` is in seconds since 1970."""
    max_bytes = settings.max_body_bytes
    layers = [
        Middleware(UnexpectedErrorMiddleware),
        Middleware(LingeringClose),
        Middleware(RefusedConnections),
        Middleware(TargetRules, hosts=hosts_of(settings)),
        Middleware(HeaderLimits),
        Middleware(BodyLimits, max_bytes=max_bytes, budget=BodyBudget(max_bytes)),
    ]
    guard = Guard(AccessCheck(keys, locked_by="metrics"))
    app = Starlette(
        routes=build_routes(MetricsPage(registry, started_at), guard),
        middleware=layers,
        exception_handlers=dict.fromkeys(
            (HTTPException, HttpError, SentiricLlamaError), handle_error
        ),
    )
    return guard_all(app, guard, Access.METRICS)


def build_routes(page: MetricsPage, guard: Guard) -> list[GuardedRoute]:
    """All routes of the metrics port, with the access that they require."""
    return [guard.route("/metrics", page.get, "GET", Access.METRICS)]


def metrics_routes() -> list[GuardedRoute]:
    """The routes and their declarations, for the documentation. Serves nothing."""
    keys = KeyRing(())
    return build_routes(MetricsPage(CollectorRegistry(), 0), Guard(AccessCheck(keys)))


class MetricsPage:
    """Plain text 0.0.4, or OpenMetrics for a scraper that accepts it."""

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
