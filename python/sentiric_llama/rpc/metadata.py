# SPDX-License-Identifier: AGPL-3.0-only
"""The ids of a call: from its metadata, and back in the initial metadata."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from sentiric_llama.log.trace import Trace, read_trace

Metadata = Sequence[tuple[str, str | bytes]]

_NAMES = {
    "x-request-id": "request_id",
    "x-trace-id": "trace_id",
    "x-span-id": "span_id",
    "x-tenant-id": "tenant_id",
}


def trace_of(metadata: Metadata) -> Trace:
    """The ids of a call. Generates a request id if there is none."""
    found = {name: value for name, value in metadata if isinstance(value, str)}
    return read_trace(found.get, "grpc", uuid.uuid4().hex)


def echo_of(trace: Trace) -> tuple[tuple[str, str], ...]:
    """The ids to return to the caller."""
    values = ((name, getattr(trace, field)) for name, field in _NAMES.items())
    return tuple((name, value) for name, value in values if value is not None)


def raw(metadata: Metadata) -> Iterable[tuple[bytes, bytes]]:
    """Names and values as bytes. gRPC guarantees names in lower-case ASCII."""
    for name, value in metadata:
        yield name.encode(), value if isinstance(value, bytes) else value.encode("utf-8", "replace")
