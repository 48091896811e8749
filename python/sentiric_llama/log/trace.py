# SPDX-License-Identifier: AGPL-3.0-only
"""The ids of a request, as callers send them, and the current request's for log lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

ID_PATTERN = r"[A-Za-z0-9_-]{1,64}"
_ID = re.compile(ID_PATTERN)
_DEBUG_WRAPPED = re.compile(r'Some\("(.*)"\)')
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}.*")


@dataclass(frozen=True, slots=True)
class Trace:
    """The ids of one request, for its log lines; None if the caller sent none.

    Only `request_id` always has a value within a request.
    """

    trace_id: str | None = None
    span_id: str | None = None
    tenant_id: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    """W3C trace context as the caller sent it, for spans; None without one."""
    protocol: str = "internal"
    """A label of metrics: "http", "grpc" or "internal"."""


CURRENT_TRACE: ContextVar[Trace] = ContextVar("sentiric_trace", default=Trace())  # noqa: B039


def clean_id(value: str | None) -> str | None:
    """The id if it is safe to log and to echo, else None.

    Accepts Rust's debug form `Some("id")`, which callers of this service are known to send.
    """
    if value is None:
        return None
    value = value.strip()
    if wrapped := _DEBUG_WRAPPED.fullmatch(value):
        value = wrapped.group(1)
    return value if is_id(value) else None


def is_id(value: str) -> bool:
    """True if the value is safe to log and to echo."""
    return _ID.fullmatch(value) is not None


def read_trace(get: Callable[[str], str | None], protocol: str, request_id: str) -> Trace:
    """Reads the ids of a request from its headers or metadata; `get` takes lower-case names.

    Ignores invalid ids. A caller that sends W3C `traceparent` needs no x-trace-id.
    """
    parent = _TRACEPARENT.fullmatch((get("traceparent") or "").strip())
    trace_id, span_id = (parent[1], parent[2]) if parent else (None, None)
    return Trace(
        trace_id=clean_id(get("x-trace-id")) or trace_id,
        span_id=clean_id(get("x-span-id")) or span_id,
        tenant_id=clean_id(get("x-tenant-id")),
        request_id=clean_id(get("x-request-id")) or request_id,
        traceparent=parent[0] if parent else None,
        protocol=protocol,
    )
