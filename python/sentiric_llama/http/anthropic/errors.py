# SPDX-License-Identifier: AGPL-3.0-only
"""Errors in Anthropic's format: `{"type": "error", "error": {type, message}, "request_id"}`."""

from __future__ import annotations

import re
from typing import Any

from sentiric_llama.errors import ErrorCode, SentiricLlamaError

PATH = "/v1/messages"
THREAD = "thread"
"""The field by which a client sends only what is new of a conversation that a server keeps."""
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""HTTP status -> type. The others are `invalid_request_error` below 500, else `api_error`."""
_TWO_NUMBERS = re.compile(r"\((\d+) tokens\) exceeds .* a prompt may take (\d+)")


def is_ours(path: str) -> bool:
    """True for a path below which every error has this format."""
    return path == PATH or path.startswith(f"{PATH}/")


def id_headers(path: str) -> tuple[str, ...]:
    """The headers that say the id of a request to this path."""
    return ("x-request-id", "request-id") if is_ours(path) else ("x-request-id",)


def status_of(http: int) -> int:
    """The status for one of our own: 529 is what clients know for "not now"."""
    return 529 if http == 503 else http


def message_of(error: SentiricLlamaError) -> str:
    """Clients that shorten a conversation recognise a prompt that is too long by these words."""
    if error.code is not ErrorCode.CONTEXT_LENGTH_EXCEEDED:
        return str(error)
    numbers = _TWO_NUMBERS.search(error.what)
    what = f"{numbers[1]} tokens > {numbers[2]} maximum" if numbers else error.what
    return f"prompt is too long: {what}"


def details_of(error: SentiricLlamaError) -> dict[str, Any]:
    """What Anthropic's tool runners read to go on with whole conversations."""
    if error.where != THREAD:
        return {}
    return {"error_code": "thread_unsupported_request", "unsupported": [THREAD]}


def messages_error(
    http: int, message: str, request_id: str | None, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The body of an error with this status of our own."""
    kind = "invalid_request_error" if http < 500 else "api_error"
    kind = _TYPES.get(status_of(http), kind)
    error: dict[str, Any] = {"type": kind, "message": message}
    if details:
        error["details"] = details
    return {"type": "error", "error": error, "request_id": request_id}
