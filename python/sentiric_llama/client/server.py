# SPDX-License-Identifier: AGPL-3.0-only
"""HTTP to a running server: JSON answers, event streams, and errors as ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sentiric_llama.client.exchange import Exchange
from sentiric_llama.errors import (
    ERROR_CLASSES,
    ErrorCode,
    InternalError,
    InvalidArgument,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.host.printable import brief, quoted
from sentiric_llama.host.product import PREFIX
from sentiric_llama.tls.trust import NO_FILES, Trust

if TYPE_CHECKING:
    import httpx2

DEFAULT_URL = "http://127.0.0.1:16070"
_BY_STATUS = {
    400: ErrorCode.INVALID_ARGUMENT,
    401: ErrorCode.INVALID_ARGUMENT,
    403: ErrorCode.INVALID_ARGUMENT,
    404: ErrorCode.NOT_SUPPORTED,
    429: ErrorCode.OVERLOADED,
    501: ErrorCode.NOT_SUPPORTED,
    503: ErrorCode.UNAVAILABLE,
    504: ErrorCode.DEADLINE_EXCEEDED,
}
"""For answers without a code of ours: of a proxy, or of another server."""
_BY_CODE = {"profiles_unavailable": ErrorCode.INVALID_ARGUMENT}
"""Codes that only HTTP has."""
ADMIN_PATHS = ("/v1/models/switch",)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and its JSON."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Server:
    """Its address and how to be let in. Each request has a connection of its own.

    `timeout_s` bounds every single wait. Methods raise `SentiricLlamaError`; any number of threads
    may share one.
    """

    url: str = DEFAULT_URL
    api_key: str = ""
    timeout_s: float = 60.0
    trust: Trust = NO_FILES

    def get(self, path: str) -> Answer:
        """Returns any status."""
        with self._ask("GET", path) as answer:
            return _read(answer)

    def post(self, path: str, body: Any) -> Any:
        """The JSON of a successful answer; raises others as errors."""
        with self._ask("POST", path, body) as response:
            answer = _read(response)
        if answer.status >= 400:
            raise error_of(answer, path)
        if not isinstance(answer.body, dict):
            text = f"{path} of {self.url} sent no JSON object; is it a server of this product?"
            raise InternalError(text, where="server")
        return answer.body

    def events(self, path: str, body: Any = None) -> Iterator[dict[str, Any]]:
        """The JSON of each server-sent event. Closing the iterator hangs up."""
        with self._ask("GET" if body is None else "POST", path, body) as answer:
            if answer.status_code >= 400:
                raise error_of(_read(answer), path)
            yield from _events(answer, path)

    @contextmanager
    def _ask(self, method: str, path: str, body: Any = None) -> Iterator[httpx2.Response]:
        """The response. Raises Unavailable for a redirect, which might lead the key astray."""
        headers = {
            "Accept": "application/json, text/event-stream",
            "Accept-Encoding": "identity",  # a proxy that compresses would hold back a stream
            "User-Agent": "sentiric-llama",
        }
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        exchange = Exchange(self.url, self.timeout_s, self.trust)
        with exchange.open(method, path, headers, content) as response:
            if response.is_redirect:
                place = brief(response.headers["location"].removesuffix(path))
                text = f"{self.url} redirects to {place}; name that server: --url {place}"
                raise Unavailable(text, where="server")
            yield response


def checked_url(text: str, scheme: str = "http") -> str:
    """A base URL; `scheme` is for `host:port`."""
    url = (text if "://" in text else f"{scheme}://{text}").rstrip("/").removesuffix("/v1")
    parts = urlsplit(url)
    try:
        is_good = (
            text.isprintable()
            and " " not in text
            and parts.scheme in ("http", "https")
            and parts.hostname
            and parts.port != 0
        )
    except ValueError:
        is_good = False
    if not is_good:
        told = f"got {quoted(text)}, allowed http(s)://host:port"
        raise InvalidArgument(told, where="--url")
    return url


def error_of(answer: Answer, path: str) -> SentiricLlamaError:
    """The error in an answer, as the class that sets the exit code."""
    told = answer.body.get("error") if isinstance(answer.body, dict) else None
    told = told if isinstance(told, dict) else {}
    code = _code_of(str(told.get("code")), answer.status)
    message = str(told.get("message") or f"status {answer.status}")
    if code is ErrorCode.NOT_SUPPORTED:
        message = f"{path} of this server: {message}"
    if path in ADMIN_PATHS and (answer.status == 401 or told.get("code") == "role_missing"):
        message += f"; give the admin key with {PREFIX}ADMIN_KEY or --admin-key"
    elif answer.status == 401:
        message += f"; give the server's key with {PREFIX}API_KEY or --api-key"
    return ERROR_CLASSES[code](message, where="" if message.startswith("[") else "server")


def _code_of(told: str, status: int) -> ErrorCode:
    """Our own code, or the one for the status."""
    try:
        return ErrorCode(told)
    except ValueError:
        return _BY_CODE.get(told) or _BY_STATUS.get(status, ErrorCode.INTERNAL)


def _read(response: httpx2.Response) -> Answer:
    raw = response.read()
    try:
        return Answer(response.status_code, json.loads(raw) if raw else None)
    except ValueError:
        return Answer(response.status_code, None)


def _events(answer: httpx2.Response, path: str) -> Iterator[dict[str, Any]]:
    import httpx2

    try:
        for event in httpx2.EventSource(answer):
            if event.data not in ("", "[DONE]"):
                yield _event(event.data, path)
    except httpx2.SSEError as error:  # another type of content, or an event above 1 MiB
        text = f"{path} sent no readable event stream ({error})"
        raise InternalError(text, where="server") from None


def _event(data: str, path: str) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except ValueError:
        raise InternalError(
            f"{path} sent an event that is not valid JSON", where="server"
        ) from None
    error = event.get("error") if isinstance(event, dict) else None
    if isinstance(error, dict):
        status = error.get("status")
        raise error_of(Answer(status if isinstance(status, int) else 500, event), path)
    return event if isinstance(event, dict) else {}
