# SPDX-License-Identifier: AGPL-3.0-only
"""Who may call: metadata of a sane size, the key, certificate names; before any message is read.

Every method declares what it needs, and gRPC's dispatch hands the declaration over with the handler
that it found. A method without a declaration keeps the server from starting.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from sentiric_llama.access.api_key import Identity
from sentiric_llama.access.caller import TENANT, Caller, make_caller
from sentiric_llama.access.rights import Access, Denial, Doorkeeper
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
    """The methods of a service, each with what it needs."""

    def __init__(
        self,
        methods: grpc.GenericRpcHandler,
        needs: Access | Mapping[str, Access],
        most_s: float | None = None,
    ) -> None:
        """`needs` holds for all methods, or names what each needs; `most_s` ends their calls."""
        self._methods = methods
        self._needs = needs
        self._most_s = most_s

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """gRPC's look-up."""
        handler = self._methods.service(handler_call_details)
        if handler is None:
            return None
        name = handler_call_details.method.rpartition("/")[2]
        needs = self._needs
        access = needs if isinstance(needs, Access) else needs[name]
        return _Declared(handler, access, self._most_s)


class _Declared(grpc.RpcMethodHandler):  # type: ignore[type-arg]
    """A handler with its declaration."""

    def __init__(self, handler: Handler, needs: Access, most_s: float | None) -> None:
        self.handler = handler
        self.needs = needs
        self.most_s = most_s


class DeclaringServer:
    """Stands for the server while a library registers its service: all methods need the same."""

    def __init__(self, server: grpc.aio.Server, needs: Access, most_s: float) -> None:
        self._server = server
        self._needs = needs
        self._most_s = most_s

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        declared = tuple(
            DeclaredMethods(handler, self._needs, self._most_s) for handler in handlers
        )
        self._server.add_generic_rpc_handlers(declared)

    def add_registered_method_handlers(self, *_: object) -> None:
        """The look-up by name above is the only way in."""


class Guard(grpc.aio.ServerInterceptor):
    """UNAUTHENTICATED without a key, PERMISSION_DENIED without its role or an allowed name.

    RESOURCE_EXHAUSTED for one call too many; what is open to the public does not count. gRPC's own
    limit would count calls whose end their peer never takes.
    """

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        allowed_names: Collection[str],
        most_calls: int,
        *,
        only_ipv4: bool = False,
    ) -> None:
        """`only_ipv4`: gRPC opens 0.0.0.0 for IPv6 as well, which nobody asked for."""
        self._doorkeeper = doorkeeper
        self._names = frozenset(name.encode() for name in allowed_names)
        self._most_calls = most_calls
        self._calls = Counter[str]()
        """Owner -> calls under way, those open to the public left out."""
        self._only_ipv4 = only_ipv4

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """A handler that refuses before it reads a message, or the one asked for."""
        if _is_too_large(handler_call_details):
            return grpc.stream_stream_rpc_method_handler(_refuse_size)
        found = await continuation(handler_call_details)
        if found is not None and not isinstance(found, _Declared):
            raise TypeError(f"{handler_call_details.method} does not declare its access")
        needs = found.needs if found else Access.USER
        metadata = raw(tuple(handler_call_details.invocation_metadata))
        admitted = self._doorkeeper.admit(needs, metadata)
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
        """The address, the certificate's names, a place; then the call is the key's."""
        if self._only_ipv4 and context.peer().startswith("ipv6:"):
            text = "this server listens on IPv4 only"
            await abort_with(context, grpc.StatusCode.PERMISSION_DENIED, text, "wrong_address")
        if self._names and self._names.isdisjoint(context.auth_context().get(SAN, ())):
            code = grpc.StatusCode.PERMISSION_DENIED
            text = "the client certificate has no name that may call"
            await abort_with(context, code, text, "certificate_not_allowed")
        _ADMITTED.set(_Admitted(identity, self._doorkeeper.keys.num_users))
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
        """Why this owner may not call now; one of several has half of the calls at most."""
        if self._calls.total() >= self._most_calls:
            return f"too many calls; allowed {self._most_calls}"
        share = max(1, self._most_calls // 2)
        if self._doorkeeper.keys.num_users > 1 and self._calls[owner] >= share:
            return f"too many calls with this key; allowed {share}"
        return ""


@dataclass(frozen=True, slots=True)
class _Admitted:
    """Who was let in, and how many keys may call."""

    identity: Identity | None = None
    num_users: int = 0


_ADMITTED: ContextVar[_Admitted] = ContextVar("sentiric_admitted", default=_Admitted())  # noqa: B039


def caller_of(metadata: Metadata) -> Caller:
    """Whose call it is, in the task of a call that the guard let in.

    Raises InvalidArgument or PermissionDenied for a tenant that is malformed or not the key's.
    """
    admitted = _ADMITTED.get()
    tenants = (value.decode("latin-1") for name, value in raw(metadata) if name == _TENANT)
    return make_caller(admitted.identity, tenants, admitted.num_users)


def admitting(handler: Handler, admission: Admission) -> Handler:
    """The handler with `admission` around it, whatever its kind."""
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
    """gRPC tells clients the limit, but takes more from those that do not listen."""
    size = 0
    for name, value in details.invocation_metadata:
        size += len(name) + len(value)
        if size > MAX_METADATA_BYTES:  # the rest may be a thousand times as much
            return True
    return False


async def _refuse_size(_requests: Any, context: Context) -> None:
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    text = f"[metadata] too large; allowed {MAX_METADATA_BYTES} bytes"
    await abort_with(context, code, text, "metadata_too_large")


async def _refuse(denial: Denial, _requests: Any, context: Context) -> None:
    codes = grpc.StatusCode
    code = codes.UNAUTHENTICATED if denial.is_unknown else codes.PERMISSION_DENIED
    await abort_with(context, code, denial.message, denial.code)
