# SPDX-License-Identifier: AGPL-3.0-only
"""Errors as gRPC statuses, with google.rpc details."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.rpc.limits import LAST_WORD_S

DOMAIN = "sentiric-llm-llama-service"
PUSHBACK = "grpc-retry-pushback-ms"

Context = grpc.aio.ServicerContext[Any, Any]


def status_code(error: SentiricLlamaError) -> grpc.StatusCode:
    return grpc.StatusCode[error.mapping.grpc]


async def abort(context: Context, error: SentiricLlamaError) -> NoReturn:
    """Ends the call with the error's status and details."""
    retry_ms = error.wait_ms if error.mapping.is_temporary else 0
    await abort_with(context, status_code(error), str(error), error.code.value, retry_ms)


async def abort_with(
    context: Context,
    code: grpc.StatusCode,
    text: str,
    reason: str,
    retry_ms: int = 0,
) -> NoReturn:
    """Ends the call. `reason` is the error code, `retry_ms` the wait before a retry.

    Retry policies read `grpc-retry-pushback-ms`; applications read RetryInfo.
    """
    info: Message = error_details_pb2.ErrorInfo(reason=reason.upper(), domain=DOMAIN)
    details = [info]
    pushback: tuple[tuple[str, str], ...] = ()
    if retry_ms:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(retry_ms)
        details.append(retry)
        pushback = ((PUSHBACK, str(retry_ms)),)
    status = rpc_status.to_status(
        status_pb2.Status(code=code.value[0], message=text, details=map(_packed, details))
    )
    trailing = (*(context.trailing_metadata() or ()), *(status.trailing_metadata or ()), *pushback)
    try:
        async with asyncio.timeout(LAST_WORD_S):
            await context.abort(code, text, trailing)
    except TimeoutError:  # the client does not read: give up and free the place
        raise asyncio.CancelledError from None
    raise AssertionError("abort returned")  # unreachable; for the type checker


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
