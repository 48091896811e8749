# SPDX-License-Identifier: AGPL-3.0-only
"""Wraps the methods of a servicer as gRPC handlers, with parsing, ids, errors and the log.

A method is a coroutine, or an async generator if it streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from sentiric_llama import _host
from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.access.rights import Access
from sentiric_llama.errors import (
    DeadlineExceeded,
    InternalError,
    InvalidArgument,
    SentiricLlamaError,
)
from sentiric_llama.log.events import error_fields, error_level, event
from sentiric_llama.log.trace import CURRENT_TRACE
from sentiric_llama.rpc.guard import DeclaredMethods, caller_of
from sentiric_llama.rpc.limits import MAX_FIELDS
from sentiric_llama.rpc.metadata import echo_of, trace_of
from sentiric_llama.rpc.parse import refusing
from sentiric_llama.rpc.receive import MessageSource
from sentiric_llama.rpc.status import Context, abort

logger = logging.getLogger(__name__)

Behaviour = TypeVar("Behaviour", bound=Callable[..., Any])


def needs(access: Access) -> Callable[[Behaviour], Behaviour]:
    """Declares the access that a method of a servicer requires."""

    def declare(behaviour: Behaviour) -> Behaviour:
        behaviour.needs = access  # type: ignore[attr-defined]
        return behaviour

    return declare


def generic_handler(
    servicer: object, service: ServiceDescriptor, source: MessageSource
) -> grpc.GenericRpcHandler:
    """All methods of a service. Each must exist in `servicer` under its name.

    Raises TypeError for one that declares nothing.
    """
    handlers = {
        method.name: _method_handler(method, getattr(servicer, method.name), source)
        for method in service.methods
    }
    methods = grpc.method_handlers_generic_handler(service.full_name, handlers)
    return DeclaredMethods(methods, declared(servicer, service))


def declared(servicer: object, service: ServiceDescriptor) -> dict[str, Access]:
    """The access that each method requires. Raises TypeError for one that declares nothing."""
    found = {}
    for method in service.methods:
        access = getattr(getattr(servicer, method.name), "needs", None)
        if not isinstance(access, Access):
            raise TypeError(f"{method.full_name} does not declare its access")
        found[method.name] = access
    return found


def _method_handler(
    method: MethodDescriptor, behaviour: Callable[..., Any], source: MessageSource
) -> grpc.RpcMethodHandler[Any, Any]:
    """Takes the one request as a stream, which lets us choose when to receive it."""
    kind = GetMessageClass(method.input_type)

    async def call(_: object, context: Context) -> None:
        # Written here, with a timeout: gRPC waits for ever for a peer that does not read.
        async with answering(method, context), source.message(context) as raw:
            answer: Message = await behaviour(parse(kind, raw), context)
            await write(context, answer.SerializeToString(), source.stall_s)

    async def stream(_: object, context: Context) -> None:
        # Not a generator: gRPC does not close one that it abandons.
        async with (
            answering(method, context),
            source.message(context) as raw,
            contextlib.aclosing(behaviour(parse(kind, raw), context)) as messages,
        ):
            async for message in messages:
                await write(context, message.SerializeToString(), source.stall_s)

    # A unary answer has the same bytes as a stream of one.
    return grpc.stream_stream_rpc_method_handler(stream if method.server_streaming else call)


@refusing
def parse(kind: type[Message], raw: bytes) -> Message:
    """Parses a message. gRPC itself would report a malformed one as an internal error."""
    if _host.count_proto_fields(raw, most=MAX_FIELDS) > MAX_FIELDS:
        raise InvalidArgument(f"too many fields; allowed {MAX_FIELDS}", where="message")
    try:
        return kind.FromString(raw)
    except DecodeError:
        raise InvalidArgument("not a valid message of this method", where="message") from None


async def write(context: Context, message: bytes, stall_s: float) -> None:
    """Sends one message. Raises DeadlineExceeded if the client does not read it."""
    try:
        async with asyncio.timeout(stall_s):
            await context.write(message)
    except TimeoutError:
        raise DeadlineExceeded("the client reads too slowly", where="reader") from None


@contextlib.asynccontextmanager
async def answering(method: MethodDescriptor, context: Context) -> AsyncIterator[None]:
    """Sets the ids of a call, maps its errors to a status, and logs its end.

    Always re-raises a cancel: gRPC would leak the call otherwise.
    """
    metadata = tuple(context.invocation_metadata() or ())
    trace = trace_of(metadata)
    CURRENT_TRACE.set(trace)  # no reset: each call has a task of its own
    started = time.monotonic()

    def log(name: str, text: str, level: int = logging.INFO, **attributes: Any) -> None:
        elapsed = round(1e3 * (time.monotonic() - started), 1)
        event(logger, name, text, level, method=method.name, elapsed_ms=elapsed, **attributes)

    try:
        await context.send_initial_metadata(echo_of(trace))
        CURRENT_CALLER.set(caller_of(metadata))
        yield
    except asyncio.CancelledError:
        log("GRPC_CLIENT_GONE", "cancelled, or past its deadline")
        raise
    except SentiricLlamaError as error:
        log("GRPC_REFUSED", "refused", error_level(error), **error_fields(error))
        await abort(context, error)
    except grpc.aio.AbortError:
        raise
    except grpc.aio.InternalError as error:
        # The client has disconnected: gRPC's core cannot send, and the cancel has yet to arrive.
        log("GRPC_CLIENT_GONE", "disconnected during the answer")
        raise asyncio.CancelledError from error
    except Exception as error:
        logger.error("unexpected", exc_info=error, extra={"event": "GRPC_HANDLER_ERROR"})
        await abort(context, InternalError("unexpected error"))
