# SPDX-License-Identifier: AGPL-3.0-only
"""The HTTP application: its routes and its middleware."""

from __future__ import annotations

from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ExceptionHandler

from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.access.rights import Access, AccessCheck
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http.anthropic.body import parse_messages
from sentiric_llama.http.anthropic.endpoint import MessagesAnswer
from sentiric_llama.http.errors import HttpError, UnexpectedErrorMiddleware, handle_error
from sentiric_llama.http.middleware.drain import CloseWhileDraining
from sentiric_llama.http.middleware.guard import Guard, GuardedRoute, guard_all
from sentiric_llama.http.middleware.limits import BodyLimits, HeaderLimits
from sentiric_llama.http.middleware.rate_headers import RATE_HEADERS
from sentiric_llama.http.middleware.target import TargetRules
from sentiric_llama.http.middleware.trace import TraceMiddleware
from sentiric_llama.http.openai import parse_chat
from sentiric_llama.http.responses.endpoint import ResponsesAnswer, stored
from sentiric_llama.http.responses.kept_items import KeptItems
from sentiric_llama.http.responses.request import parse_response
from sentiric_llama.http.routes.admin import AdminEndpoints
from sentiric_llama.http.routes.chat import ChatEndpoint
from sentiric_llama.http.routes.count import CountEndpoint
from sentiric_llama.http.routes.description import Description
from sentiric_llama.http.routes.examples import ExampleFiles
from sentiric_llama.http.routes.health import HealthEndpoints, ModelEndpoints
from sentiric_llama.http.routes.layout import LayoutEndpoint
from sentiric_llama.http.routes.page import page_routes
from sentiric_llama.http.routes.render import RenderEndpoint
from sentiric_llama.http.routes.requests import RequestEndpoints
from sentiric_llama.http.routes.stats import StatsEndpoints
from sentiric_llama.http.routes.tokens import TokenEndpoints
from sentiric_llama.http.texts.completions import CompletionsAnswer
from sentiric_llama.http.texts.completions_body import parse_completions
from sentiric_llama.http.texts.embeddings import EmbeddingsEndpoint
from sentiric_llama.http.wire.linger import LingeringClose
from sentiric_llama.http.wire.refusals import RefusedConnections
from sentiric_llama.service.models.switcher import Switcher
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.exposure import hosts_of

EXPOSED = (
    *("x-request-id", "request-id", "x-truncated", "x-ignored-fields", "x-ignored-tools"),
    *("x-unenforced-tools", "x-sentiric-model-notice"),
    *("x-queue-position", "x-queue-wait-ms", "retry-after", "retry-after-ms", "x-should-retry"),
    *RATE_HEADERS,
)
"""Headers of responses that pages of other origins may read."""
_HANDLED: tuple[type[Exception], ...] = (SentiricLlamaError, HttpError, HTTPException)


def build_app(
    service: LlamaService, settings: Settings, switcher: Switcher | None = None
) -> Starlette:
    """The ASGI application of `service`. The only I/O is reading the files of the page."""
    handlers: dict[int | type[Exception], ExceptionHandler] = dict.fromkeys(_HANDLED, handle_error)
    guard = Guard(AccessCheck(service.keys), service.limiter)
    app = Starlette(
        routes=build_routes(service, switcher or Switcher(service), guard),
        middleware=build_layers(service, settings),
        exception_handlers=handlers,
    )
    return guard_all(app, guard, Access.USER)


def build_routes(service: LlamaService, switcher: Switcher, guard: Guard) -> list[GuardedRoute]:
    """All routes of the service, with the access that they require."""
    chat = ChatEndpoint(service)
    count = CountEndpoint(service, parse_chat, object="response.input_tokens")
    rendered = RenderEndpoint(service, parse_chat)
    messages = ChatEndpoint(service, parse_messages, MessagesAnswer)
    messages_count = CountEndpoint(service, parse_messages)
    messages_rendered = RenderEndpoint(service, parse_messages)
    read_response = partial(parse_response, kept=KeptItems())
    responses = ChatEndpoint(service, read_response, ResponsesAnswer)
    responses_count = CountEndpoint(service, read_response, object="response.input_tokens")
    responses_rendered = RenderEndpoint(service, read_response)
    completions = ChatEndpoint(service, parse_completions, CompletionsAnswer)
    health = HealthEndpoints(service)
    models = ModelEndpoints(service)
    tokens = TokenEndpoints(service)
    stats = StatsEndpoints(service)
    admin = AdminEndpoints(service, switcher)
    requests = RequestEndpoints(service)
    layout, examples = LayoutEndpoint(service), ExampleFiles(service)
    route = guard.route
    routes = [
        route("/v1/chat/completions", chat.post, "POST", Access.USER),
        route("/chat/completions", chat.post, "POST", Access.USER),
        route("/v1/chat/completions/input_tokens", count.post, "POST", Access.USER),
        route("/v1/chat/completions/render", rendered.post, "POST", Access.USER),
        route("/v1/messages", messages.post, "POST", Access.USER),
        route("/v1/messages/count_tokens", messages_count.post, "POST", Access.USER),
        route("/v1/messages/render", messages_rendered.post, "POST", Access.USER),
        route("/v1/models", models.list, "GET", Access.USER),
        route("/v1/models/switch", admin.switch, "POST", Access.ADMIN),
        route("/v1/models/{name:path}", models.get, "GET", Access.USER),
        route("/v1/responses", responses.post, "POST", Access.USER),
        route("/v1/responses/input_tokens", responses_count.post, "POST", Access.USER),
        route("/v1/responses/render", responses_rendered.post, "POST", Access.USER),
        route("/v1/responses/{id}", stored, "GET", Access.USER),
        route("/v1/responses/{id}", stored, "DELETE", Access.USER),
        route("/v1/responses/{id}/cancel", stored, "POST", Access.USER),
        route("/v1/responses/{id}/input_items", stored, "GET", Access.USER),
        route("/v1/completions", completions.post, "POST", Access.USER),
        route("/v1/embeddings", EmbeddingsEndpoint(service).post, "POST", Access.USER),
        route("/tokenize", tokens.tokenize, "POST", Access.USER),
        route("/detokenize", tokens.detokenize, "POST", Access.USER),
        route("/health", health.health, "GET", Access.PUBLIC),
        route("/v1/health", health.v1_health, "GET", Access.PUBLIC),
        route("/health/live", health.live, "GET", Access.PUBLIC),
        route("/health/ready", health.ready, "GET", Access.PUBLIC),
        route("/v1/stats", stats.get, "GET", Access.STATISTICS),
        route("/v1/stats/stream", stats.stream, "GET", Access.STATISTICS),
        route("/v1/requests/{id}", requests.cancel, "DELETE", Access.USER),
        route("/v1/ui/layout", layout.get, "GET", Access.USER),
        route("/context/{name:path}", examples.get, "GET", Access.USER),
        route("/v1/profiles", admin.profiles, "GET", Access.USER),
        route("/v1/hardware/config", admin.hardware, "GET", Access.USER),
        route("/v1/hardware/config", admin.change_hardware, "POST", Access.ADMIN),
        *page_routes(guard),
    ]
    description = Description(routes)
    routes.append(route("/openapi.json", description.get, "GET", Access.USER))
    routes.append(route("/docs", description.page, "GET", Access.PUBLIC))
    return routes


def api_routes() -> list[GuardedRoute]:
    """The routes and their declarations, for the documentation. Serves nothing."""
    service = LlamaService(Settings.model_validate({}))
    return build_routes(service, Switcher(service), Guard(AccessCheck(KeyRing(()))))


def build_layers(service: LlamaService, settings: Settings) -> list[Middleware]:
    """The middleware, outermost first: ids, then cheap checks. The route checks the key."""
    layers = [
        Middleware(TraceMiddleware, statuses=service.request_metrics.http_responses),
        Middleware(CloseWhileDraining, service=service),
        Middleware(UnexpectedErrorMiddleware),
    ]
    if settings.cors_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.cors_origins),
                allow_methods=["GET", "HEAD", "POST", "DELETE", "OPTIONS"],
                allow_headers=["*"],  # clients add their own, and none has an effect here
                expose_headers=EXPOSED,
            )
        )
    layers += [
        Middleware(LingeringClose),
        Middleware(RefusedConnections),
        Middleware(TargetRules, hosts=hosts_of(settings), origins=settings.cors_origins),
        Middleware(HeaderLimits),
        Middleware(BodyLimits, max_bytes=settings.max_body_bytes, budget=service.bodies),
    ]
    return layers
