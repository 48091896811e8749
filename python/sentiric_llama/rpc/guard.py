# SPDX-License-Identifier: AGPL-3.0-only
"""Access checks before any message is read: size of the metadata, API key, certificate names.

Every method declares the access that it requires, and gRPC's dispatch returns the declaration with
the handler. A server with a method that declares nothing does not start.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from sentiric_llama.access.api_key import Identity
from sentiric_llama.access.caller import TENANT, Caller, make_caller
from sentiric_llama.access.rights import Access, AccessCheck, Denial
from sentiric_llama.errors import DeadlineExceeded, Overloaded
from sentiric_llama.rpc.limits import MAX_METADATA_BYTES
from sentiric_llama.rpc.metadata import Metadata, raw
from sentiric_llama.rpc.status import Context, abort, abort_with

SAN = "x509_subject_alternative_name"
_TENANT = TENANT.encode()

if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]
Admission = Callable[[Context], AbstractAsyncContextManager[None]]
_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable["Handler | None"]]


class DeclaredMethods(grpc.GenericRpcHandler):
    """The methods of a service, each with the access that it requires."""

    def __init__(
        self,
        methods: grpc.GenericRpcHandler,
        needs: Access | Mapping[str, Access],
        most_s: float | None = None,
    ) -> None:
        """`needs` is for all methods, or by name. Calls end after `most_s` seconds."""
        self._methods = methods
        self._needs = needs
        self._most_s = most_s

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """Finds the handler of a call, for gRPC."""
        handler = self._methods.service(handler_call_details)
        if handler is None:
            return None
        name = handler_call_details.method.rpartition("/")[2]
        needs = self._needs
        access = needs if isinstance(needs, Access) else needs[name]
        return _Declared(handler, access, self._most_s)


class _Declared(grpc.RpcMethodHandler):  # type: ignore[type-arg]
    """A handler and the access that it requires."""

    def __init__(self, handler: Handler, needs: Access, most_s: float | None) -> None:
        self.handler = handler
        self.needs = needs
        self.most_s = most_s


class Guard(grpc.aio.ServerInterceptor):
    """UNAUTHENTICATED without a valid key, PERMISSION_DENIED without the role or an allowed name.

    RESOURCE_EXHAUSTED for too many calls; public methods do not count. gRPC's own limit also counts
    calls that have ended but whose peer never reads the status.
    """

    def __init__(
        self,
        access: AccessCheck,
        allowed_names: Collection[str],
        most_calls: int,
        *,
        only_ipv4: bool = False,
    ) -> None:
        """`only_ipv4` refuses IPv6, which gRPC also opens for 0.0.0.0."""
        self._access = access
        self._names = frozenset(name.encode() for name in allowed_names)
        self._most_calls = most_calls
        self._calls = Counter[str]()
        """Owner -> number of running calls, without those of public methods."""
        self._only_ipv4 = only_ipv4

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The requested handler, or one that refuses without reading a message."""
        if _is_too_large(handler_call_details):
            return grpc.stream_stream_rpc_method_handler(_refuse_size)
        found = await continuation(handler_call_details)
        if found is not None and not isinstance(found, _Declared):
            raise TypeError(f"{handler_call_details.method} does not declare its access")
        needs = found.needs if found else Access.USER
        metadata = raw(tuple(handler_call_details.invocation_metadata))
        admitted = self._access.admit(needs, metadata)
        if isinstance(admitted, Denial):
            refuse = functools.partial(_refuse, admitted)
            return grpc.stream_stream_rpc_method_handler(refuse)
        if found is None:
            return None
        return admitting(found.handler, functools.partial(self._admit, found, admitted))

    @contextlib.asynccontextmanager
    async def _admit(
        self, method: _Declared, identity: Identity | None, context: Context
    ) -> AsyncIterator[None]:
        """Checks the address, the certificate and the limits; then runs the call for its key."""
        if self._only_ipv4 and context.peer().startswith("ipv6:"):
            text = "this server listens on IPv4 only"
            await abort_with(context, grpc.StatusCode.PERMISSION_DENIED, text, "wrong_address")
        if self._names and self._names.isdisjoint(context.auth_context().get(SAN, ())):
            code = grpc.StatusCode.PERMISSION_DENIED
            text = "the client certificate has no allowed name"
            await abort_with(context, code, text, "certificate_not_allowed")
        _ADMITTED.set(_Admitted(identity, self._access.keys.keeps_apart))
        if method.needs is Access.PUBLIC:
            yield
            return
        owner = identity.name if identity else ""
        if excess := self._excess(owner):
            await abort(context, Overloaded(excess))
        self._calls[owner] += 1
        try:
            async with asyncio.timeout(method.most_s):
                yield
        except TimeoutError:
            await abort(context, DeadlineExceeded("the call took too long", where="grpc"))
        finally:
            self._calls[owner] -= 1

    def _excess(self, owner: str) -> str:
        """Why this owner may not call now. With several keys, each may have half of the calls."""
        if self._calls.total() >= self._most_calls:
            return f"too many calls; allowed {self._most_calls}"
        share = max(1, self._most_calls // 2)
        if self._access.keys.keeps_apart and self._calls[owner] >= share:
            return f"too many calls with this key; allowed {share}"
        return ""


@dataclass(frozen=True, slots=True)
class _Admitted:
    """The identity of the caller, and whether there are others."""

    identity: Identity | None = None
    keeps_apart: bool = False


_ADMITTED: ContextVar[_Admitted] = ContextVar("sentiric_admitted", default=_Admitted())  # noqa: B039


def caller_of(metadata: Metadata) -> Caller:
    """The caller of the current task's call, which the guard has admitted.

    Raises InvalidArgument for a malformed tenant, PermissionDenied for one that the key is not
    bound to.
    """
    admitted = _ADMITTED.get()
    tenants = (value.decode("latin-1") for name, value in raw(metadata) if name == _TENANT)
    return make_caller(admitted.identity, tenants, admitted.keeps_apart)


def admitting(handler: Handler, admission: Admission) -> Handler:
    """Wraps a handler of any kind in `admission`."""
    for kind in ("unary_unary", "unary_stream", "stream_unary", "stream_stream"):
        behaviour = getattr(handler, kind)
        if behaviour is not None:
            make = getattr(grpc, f"{kind}_rpc_method_handler")
            body = _admitting_body(behaviour, admission)
            made: Handler = make(body, handler.request_deserializer, handler.response_serializer)
            return made
    raise TypeError("a handler without a behaviour")


def _admitting_body(behaviour: Callable[..., Any], admission: Admission) -> Callable[..., Any]:
    async def call(request: Any, context: Context) -> Any:
        async with admission(context):
            return await behaviour(request, context)

    async def stream(request: Any, context: Context) -> None:
        async with (
            admission(context),
            contextlib.aclosing(behaviour(request, context)) as messages,
        ):
            async for message in messages:
                await context.write(message)

    return stream if inspect.isasyncgenfunction(behaviour) else call


def _is_too_large(details: grpc.HandlerCallDetails) -> bool:
    """gRPC announces the limit, but accepts more from clients that ignore it."""
    size = 0
    for name, value in details.invocation_metadata:
        size += len(name) + len(value)
        if size > MAX_METADATA_BYTES:  # without counting the rest, which may be long
            return True
    return False


async def _refuse_size(_requests: Any, context: Context) -> None:
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    text = f"[metadata] too large; allowed {MAX_METADATA_BYTES} bytes"
    await abort_with(context, code, text, "metadata_too_large")


async def _refuse(denial: Denial, _requests: Any, context: Context) -> None:
    codes = grpc.StatusCode
    code = codes.UNAUTHENTICATED if denial.is_unauthenticated else codes.PERMISSION_DENIED
    await abort_with(context, code, denial.message, denial.code)
