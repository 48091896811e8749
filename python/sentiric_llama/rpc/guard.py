# SPDX-License-Identifier: AGPL-3.0-only
"""Who may call: metadata of a sane size, the key, certificate names; before any handler runs."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any

import grpc

from sentiric_llama.api_key import KeyRing
from sentiric_llama.rpc.limits import MAX_METADATA_BYTES
from sentiric_llama.rpc.metadata import raw
from sentiric_llama.rpc.status import Context, abort_with

PUBLIC = "/grpc.health.v1.Health/"
"""Methods that probes reach without a key."""
SAN = "x509_subject_alternative_name"

if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]
Check = Callable[[Context], Awaitable[None]]
Refusal = Callable[[Any, Context], Awaitable[None]]


class Guard(grpc.aio.ServerInterceptor):
    """UNAUTHENTICATED without a key, PERMISSION_DENIED without its role or an allowed name."""

    def __init__(self, keys: KeyRing, allowed_names: Collection[str]) -> None:
        self._keys = keys if keys.locks("user") else None
        self._names = frozenset(name.encode() for name in allowed_names)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """A handler that refuses before it reads a message, or the one asked for."""
        if _is_too_large(handler_call_details):
            return grpc.stream_stream_rpc_method_handler(_refuse_size)
        if refuse := self._refusal(handler_call_details):
            return grpc.stream_stream_rpc_method_handler(refuse)
        handler = await continuation(handler_call_details)
        if handler is None or not self._names:
            return handler
        return checked(handler, self._check_names)

    def _refusal(self, details: grpc.HandlerCallDetails) -> Refusal | None:
        if self._keys is None or details.method.startswith(PUBLIC):
            return None
        identity = self._keys.identify(raw(tuple(details.invocation_metadata)))
        if identity is None:
            return _refuse_key
        return None if identity.may("user") else _refuse_role

    async def _check_names(self, context: Context) -> None:
        shown = context.auth_context().get(SAN, ())
        if self._names.isdisjoint(shown):
            code = grpc.StatusCode.PERMISSION_DENIED
            text = "the client certificate has no name that may call"
            await abort_with(context, code, text, "certificate_not_allowed")


def checked(handler: Handler, check: Check) -> Handler:
    """The handler with `check` before it, whatever its kind."""
    for kind in ("unary_unary", "unary_stream", "stream_unary", "stream_stream"):
        behaviour = getattr(handler, kind)
        if behaviour is not None:
            make = getattr(grpc, f"{kind}_rpc_method_handler")
            body = _checked_body(behaviour, check)
            made: Handler = make(body, handler.request_deserializer, handler.response_serializer)
            return made
    raise TypeError("a handler without a behaviour")


def _checked_body(behaviour: Callable[..., Any], check: Check) -> Callable[..., Any]:
    async def call(request: Any, context: Context) -> Any:
        await check(context)
        return await behaviour(request, context)

    async def stream(request: Any, context: Context) -> None:
        await check(context)
        async with contextlib.aclosing(behaviour(request, context)) as messages:
            async for message in messages:
                await context.write(message)

    return stream if inspect.isasyncgenfunction(behaviour) else call


def _is_too_large(details: grpc.HandlerCallDetails) -> bool:
    """gRPC tells clients the limit, but takes more from those that do not listen."""
    size = sum(len(name) + len(value) for name, value in raw(tuple(details.invocation_metadata)))
    return size > MAX_METADATA_BYTES


async def _refuse_size(_requests: Any, context: Context) -> None:
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    text = f"[metadata] too large; allowed {MAX_METADATA_BYTES} bytes"
    await abort_with(context, code, text, "metadata_too_large")


async def _refuse_key(_requests: Any, context: Context) -> None:
    code = grpc.StatusCode.UNAUTHENTICATED
    await abort_with(context, code, "Invalid API Key", "invalid_api_key")


async def _refuse_role(_requests: Any, context: Context) -> None:
    code = grpc.StatusCode.PERMISSION_DENIED
    text = "this key may not call; allowed are keys with the role user or admin"
    await abort_with(context, code, text, "role_missing")
