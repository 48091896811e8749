# SPDX-License-Identifier: AGPL-3.0-only
"""Errors in OpenAI's format: `{"error": {message, type, param, code}}`.

Below the paths of another contract they have the format of that one.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentiric_llama.errors import (
    ErrorCode,
    InternalError,
    SentiricLlamaError,
    is_lasting_status,
    retry_after_ms,
)
from sentiric_llama.http.anthropic.errors import (
    details_of,
    is_ours,
    message_of,
    messages_error,
    status_of,
)
from sentiric_llama.log.events import event
from sentiric_llama.log.trace import CURRENT_TRACE
from sentiric_llama.service.readiness import NotReady

_RETRY_STATUSES = (429, 503)
MAX_MEANT_PATH = 64
"""Longer paths are no slip of a finger, and comparing takes time."""
CLOSE_ENOUGH = 0.85
"""Of two equal paths 1."""
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_WITH_PARAM = frozenset(
    {
        ErrorCode.INVALID_ARGUMENT,
        ErrorCode.INVALID_GRAMMAR,
        ErrorCode.CONTEXT_LENGTH_EXCEEDED,
        ErrorCode.MODEL_NOT_FOUND,
    }
)
_TWO_NUMBERS = re.compile(r"\((\d+) tokens\) exceeds the available context size \((\d+) tokens\)")

logger = logging.getLogger(__name__)


class HttpError(Exception):
    """An error of the HTTP layer: a wrong key, route, size or encoding."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        kind: str = "invalid_request_error",
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.kind = kind
        self.param = param
        self.headers = dict(headers or {})


class JsonResponse(Response):
    """A JSON response in UTF-8. Raises ValueError for NaN and infinity."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dump_json(content)


def dump_json(content: Any) -> bytes:
    """Compact JSON in UTF-8, without newlines. A lone surrogate becomes "?".

    An iterator is written as a list.
    """
    text = json.dumps(
        content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_members
    )
    return text.encode("utf-8", "replace")


def _members(value: Any) -> list[Any]:
    if isinstance(value, Iterator):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def error_body(
    error: SentiricLlamaError | HttpError, path: str = "", request_id: str | None = None
) -> dict[str, Any]:
    """The JSON object with the key `error`, in the format of the path.

    Without an id, the one of the current request is told where the format has one.
    """
    if is_ours(path):
        own = request_id or CURRENT_TRACE.get().request_id
        if isinstance(error, HttpError):
            return messages_error(error.status, error.message, own)
        return messages_error(error.mapping.http, message_of(error), own, details_of(error))
    if isinstance(error, HttpError):
        return _body(error.message, error.kind, error.param, error.code)
    kind = "server_error" if isinstance(error, NotReady) else error.mapping.openai_type
    field = error.where.split(":")[0]
    has_param = error.code in _WITH_PARAM and _FIELD.fullmatch(field)
    body = _body(str(error), kind, field if has_param else None, error.code.value)
    if error.code is ErrorCode.CONTEXT_LENGTH_EXCEEDED and (
        numbers := _TWO_NUMBERS.search(error.what)
    ):  # as llama-server does
        body["error"]["n_prompt_tokens"] = int(numbers[1])
        body["error"]["n_ctx"] = int(numbers[2])
    return body


def error_status(error: SentiricLlamaError | HttpError) -> int:
    return error.status if isinstance(error, HttpError) else error.mapping.http


def error_response(
    error: SentiricLlamaError | HttpError, path: str = "", request_id: str | None = None
) -> JsonResponse:
    """The response to an error on this path.

    It says when to try again, or that it is useless.
    """
    status = error_status(error)
    headers = dict(error.headers) if isinstance(error, HttpError) else {}
    shown = status_of(status) if is_ours(path) else status
    body = error_body(error, path, request_id)
    return JsonResponse(body, shown, retry_headers(error) | headers)


def retry_headers(error: SentiricLlamaError | HttpError) -> dict[str, str]:
    """`Retry-After`, also in milliseconds, or the header that keeps clients from trying again.

    The clients of OpenAI and Anthropic read all three.
    """
    status, wait_ms = error_status(error), retry_after_ms()
    is_lasting, is_temporary = is_lasting_status(status), status in _RETRY_STATUSES
    if isinstance(error, SentiricLlamaError):
        wait_ms, is_lasting = error.wait_ms, error.is_lasting
        is_temporary = is_temporary or error.waited_in_vain
    if is_lasting:
        return {"x-should-retry": "false"}
    if not is_temporary:
        return {}
    return {"retry-after": str(math.ceil(wait_ms / 1000)), "retry-after-ms": str(wait_ms)}


async def handle_error(request: Request, error: Exception) -> Response:
    """The exception handler for Starlette, for every expected error."""
    if isinstance(error, SentiricLlamaError | HttpError):
        return error_response(error, request.scope["path"])
    if isinstance(error, HTTPException):
        found = _from_starlette(error)
        if found.status == HTTPStatus.METHOD_NOT_ALLOWED:
            methods = ", ".join(_methods(request))
            found.headers = {"allow": methods}
            found.message += f"; allowed {methods}"
        elif found.status == HTTPStatus.NOT_FOUND:
            found.message += _way_on(request)
        return error_response(found, request.scope["path"])
    raise error


def _methods(request: Request) -> list[str]:
    """All methods of a path. Each of its routes knows only its own."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in matching for method in route.methods or ()})


def _way_on(request: Request) -> str:
    """What a caller of an unknown path probably meant, and where all paths are."""
    known = [route.path for route in request.app.routes if isinstance(route, Route)]
    plain = [path for path in known if "{" not in path and path != "/"]
    near = nearest_path(request.scope["path"], plain)
    meant = f"; did you mean {near}?" if near else ""
    everything = "see /docs for all" if "/docs" in known else f"allowed {', '.join(plain)}"
    return f"{meant} {everything}" if meant else f"; {everything}"


def nearest_path(path: str, known: Sequence[str]) -> str:
    """The known path that this one was probably meant to be, "" without any.

    It may lack a beginning such as /v1, have it twice, or hold a slip of a finger.
    """
    asked = "/" + path.strip("/").lower()
    if asked == "/" or len(asked) > MAX_MEANT_PATH:
        return ""
    for is_near in (
        lambda each: each.endswith(asked),
        lambda each: asked.endswith(each),
        lambda each: each.startswith(asked + "/"),
    ):
        if found := next(filter(is_near, known), ""):
            return found
    return next(iter(get_close_matches(asked, known, 1, CLOSE_ENOUGH)), "")


class UnexpectedErrorMiddleware:
    """Turns an unexpected exception into a 500 in the usual format, and logs it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, note_start)
        except ClientDisconnect:
            event(logger, "HTTP_CLIENT_GONE", "disconnected while sending", logging.DEBUG)
        except Exception as error:
            logger.error("unexpected", exc_info=error, extra={"event": "HTTP_HANDLER_ERROR"})
            if not started:
                response = error_response(InternalError("unexpected error"), scope["path"])
                await response(scope, receive, send)


def _from_starlette(error: HTTPException) -> HttpError:
    kinds = {404: "not_found_error", 401: "authentication_error", 403: "permission_error"}
    return HttpError(
        error.status_code,
        {404: "no such route", 405: "method not allowed for this route"}.get(
            error.status_code, str(error.detail)
        ),
        code=HTTPStatus(error.status_code).phrase.lower().replace(" ", "_"),
        kind=kinds.get(error.status_code, "invalid_request_error"),
        headers=error.headers,
    )


def _body(message: str, kind: str, param: str | None, code: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
