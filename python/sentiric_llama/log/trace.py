# SPDX-License-Identifier: AGPL-3.0-only
"""Whose request a log line belongs to: ids that callers send, and the current request's."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DEBUG_WRAPPED = re.compile(r'Some\("(.*)"\)')
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}.*")


@dataclass(frozen=True, slots=True)
class Trace:
    """Who a log line belongs to; None where the caller did not say."""

    trace_id: str | None = None
    span_id: str | None = None
    tenant_id: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    """W3C trace context as the caller sent it, for spans; None when there is none."""
    protocol: str = "internal"
    """How the request came in: "http" or "grpc"; a label of metrics."""


CURRENT_TRACE: ContextVar[Trace] = ContextVar("sentiric_trace", default=Trace())  # noqa: B039


def clean_id(value: str | None) -> str | None:
    """An identifier safe to log and to echo, or None.

    Accepts Rust's debug form `Some("id")`, which callers of this service are known to send.
    """
    if value is None:
        return None
    value = value.strip()
    if wrapped := _DEBUG_WRAPPED.fullmatch(value):
        value = wrapped.group(1)
    return value if is_id(value) else None


def is_id(value: str) -> bool:
    """True for what is safe to log and to echo as it is."""
    return _ID.fullmatch(value) is not None


def read_trace(get: Callable[[str], str | None], protocol: str, request_id: str) -> Trace:
    """The ids of one request out of its headers or metadata; `get` knows lower-case names.

    What is no id is ignored. A caller that sends W3C `traceparent` needs no x-trace-id.
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
