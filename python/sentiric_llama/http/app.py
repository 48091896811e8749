# SPDX-License-Identifier: AGPL-3.0-only
"""The HTTP application: routes, and the layers a request passes through."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route
from starlette.types import ExceptionHandler

from sentiric_llama.config import Settings, key_ring
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http.admin import AdminEndpoints
from sentiric_llama.http.auth import AdminAuth, ApiKeyAuth, api_needs
from sentiric_llama.http.chat import ChatEndpoint
from sentiric_llama.http.drain import CloseWhileDraining
from sentiric_llama.http.errors import HttpError, UnexpectedErrorMiddleware, handle_error
from sentiric_llama.http.health import HealthEndpoints, ModelEndpoints
from sentiric_llama.http.limits import BodyLimits, HeaderLimits
from sentiric_llama.http.linger import LingeringClose
from sentiric_llama.http.page import page_routes
from sentiric_llama.http.stats import StatsEndpoints
from sentiric_llama.http.tokens import TokenEndpoints
from sentiric_llama.http.trace import TraceMiddleware
from sentiric_llama.service import LlamaService
from sentiric_llama.switching import Switcher

_HANDLED: tuple[type[Exception], ...] = (SentiricLlamaError, HttpError, HTTPException)


def build_app(
    service: LlamaService, settings: Settings, switcher: Switcher | None = None
) -> Starlette:
    """An ASGI application over `service`. Does no I/O beyond reading the page's files."""
    handlers: dict[int | type[Exception], ExceptionHandler] = dict.fromkeys(_HANDLED, handle_error)
    app = Starlette(
        routes=build_routes(service, switcher or Switcher(service)),
        middleware=build_layers(service, settings),
        exception_handlers=handlers,
    )
    app.router.redirect_slashes = False
    return app


def build_routes(service: LlamaService, switcher: Switcher) -> list[BaseRoute]:
    """Every route of the service."""
    chat = ChatEndpoint(service)
    health = HealthEndpoints(service)
    models = ModelEndpoints(service)
    tokens = TokenEndpoints(service)
    stats = StatsEndpoints(service)
    admin = AdminEndpoints(service, switcher)
    return [
        Route("/v1/chat/completions", chat.post, methods=["POST"]),
        Route("/chat/completions", chat.post, methods=["POST"]),
        Route("/v1/models", models.list, methods=["GET"]),
        Route("/v1/models/switch", admin.switch, methods=["POST"]),
        Route("/v1/models/{name:path}", models.get, methods=["GET"]),
        Route("/tokenize", tokens.tokenize, methods=["POST"]),
        Route("/detokenize", tokens.detokenize, methods=["POST"]),
        Route("/health", health.health, methods=["GET"]),
        Route("/v1/health", health.v1_health, methods=["GET"]),
        Route("/health/live", health.live, methods=["GET"]),
        Route("/health/ready", health.ready, methods=["GET"]),
        Route("/v1/stats", stats.get, methods=["GET"]),
        Route("/v1/stats/stream", stats.stream, methods=["GET"]),
        Route("/v1/profiles", admin.profiles, methods=["GET"]),
        Route("/v1/hardware/config", admin.hardware, methods=["GET"]),
        Route("/v1/hardware/config", admin.change_hardware, methods=["POST"]),
        *page_routes(),
    ]


def build_layers(service: LlamaService, settings: Settings) -> list[Middleware]:
    """Outermost first: who asks, cheap refusals, the key, and only then the body."""
    layers = [
        Middleware(TraceMiddleware, statuses=service.accounts.http_responses),
        Middleware(CloseWhileDraining, service=service),
        Middleware(UnexpectedErrorMiddleware),
    ]
    if settings.cors_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.cors_origins),
                allow_methods=["GET", "POST", "OPTIONS"],
                allow_headers=[
                    "Authorization",
                    "Content-Type",
                    "X-Api-Key",
                    "X-Request-Id",
                    "X-Trace-Id",
                    "X-Span-Id",
                    "X-Tenant-Id",
                    "Traceparent",
                ],
                expose_headers=["x-request-id", "x-truncated", "x-sentiric-model-notice"],
            )
        )
    layers += [Middleware(LingeringClose), Middleware(HeaderLimits)]
    keys = key_ring(settings)
    if keys.locks("user"):
        layers.append(Middleware(ApiKeyAuth, keys=keys, needs=api_needs))
    layers.append(Middleware(AdminAuth, keys=keys))
    layers.append(Middleware(BodyLimits, max_bytes=settings.max_body_bytes))
    return layers
