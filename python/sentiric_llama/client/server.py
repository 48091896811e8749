# SPDX-License-Identifier: AGPL-3.0-only
"""HTTP to one running server: JSON answers, event streams, errors as ours."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sentiric_llama.errors import (
    ERROR_CLASSES,
    DeadlineExceeded,
    ErrorCode,
    InternalError,
    InvalidArgument,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.tls.trust import NO_FILES, Trust

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
"""For answers of something that is not us, and of our transport."""


_BY_CODE = {"profiles_unavailable": ErrorCode.INVALID_ARGUMENT}
"""Codes that HTTP alone has."""
ADMIN_PATHS = ("/v1/models/switch",)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the JSON that came with it."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is and how to be let in. Each request has a connection of its own.

    `timeout_s` bounds every single wait. Methods raise `SentiricLlamaError`; any number of threads
    may share one.
    """

    url: str = DEFAULT_URL
    api_key: str = ""
    timeout_s: float = 60.0
    trust: Trust = NO_FILES

    def get(self, path: str) -> Answer:
        """Any status is an answer."""
        with self._connection() as connection:
            return _read(self._ask(connection, "GET", path))

    def post(self, path: str, body: Any) -> Any:
        """The JSON of a good answer; others are raised."""
        with self._connection() as connection:
            answer = _read(self._ask(connection, "POST", path, body))
        if answer.status >= 400:
            raise error_of(answer, path)
        return answer.body

    def events(self, path: str, body: Any = None) -> Iterator[dict[str, Any]]:
        """The JSON of each server-sent event. Closing the iterator hangs up."""
        with self._connection() as connection:
            response = self._ask(connection, "GET" if body is None else "POST", path, body)
            if response.status >= 400:
                raise error_of(_read(response), path)
            for line in response:
                if line.startswith(b"data: ") and not line.startswith(b"data: [DONE]"):
                    yield _event(line.removeprefix(b"data: "), path)

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any = None
    ) -> http.client.HTTPResponse:
        headers = {"Accept": "application/json, text/event-stream"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        raw = None if body is None else json.dumps(body).encode()
        if raw is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, urlsplit(self.url).path.rstrip("/") + path, raw, headers)
        return connection.getresponse()

    @contextlib.contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        """A connection whose troubles come out as our errors."""
        connection = self._make()
        try:
            yield connection
        except SentiricLlamaError:
            raise
        except TimeoutError:
            raise DeadlineExceeded(
                f"{self.url} did not answer within {self.timeout_s:g} s", where="server"
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._trouble(error) from None
        finally:
            connection.close()

    def _trouble(self, error: Exception) -> Unavailable:
        """No answer, with what may be done about it."""
        if isinstance(error, ssl.SSLCertVerificationError):
            text = f"the certificate of {self.url} is not trusted ({error.verify_message}); "
            return Unavailable(text + "name its CA with --ca-file", where="server")
        reason = getattr(error, "strerror", None) or type(error).__name__
        if isinstance(error, ssl.SSLError):
            text = f"no TLS connection to {self.url} ({error.reason or reason}); "
            text += "a server that speaks plain HTTP needs --url http://..., one that asks for a "
            return Unavailable(text + "certificate --cert-file and --key-file", where="server")
        text = f"no server answers at {self.url} ({reason}); "
        if isinstance(error, http.client.RemoteDisconnected | http.client.BadStatusLine):
            return Unavailable(text + "if it speaks HTTPS, use --url https://...", where="server")
        text += "start one with: sentiric-llama serve, or name another with --url"
        return Unavailable(text, where="server")

    def _make(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, parts.port, timeout=self.timeout_s)
        context = self.trust.context()
        return http.client.HTTPSConnection(
            host, parts.port, timeout=self.timeout_s, context=context
        )


def checked_url(text: str, scheme: str = "http") -> str:
    """A base address; `scheme` is what `host:port` means."""
    url = (text if "://" in text else f"{scheme}://{text}").rstrip("/").removesuffix("/v1")
    parts = urlsplit(url)
    try:
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise InvalidArgument(f"got {text!r}, allowed http(s)://host:port", where="url")
    return url


def error_of(answer: Answer, path: str) -> SentiricLlamaError:
    """The error that an answer tells, with the exit code that belongs to it."""
    told = answer.body.get("error") if isinstance(answer.body, dict) else None
    told = told if isinstance(told, dict) else {}
    code = _code_of(str(told.get("code")), answer.status)
    message = str(told.get("message") or f"status {answer.status}")
    if code is ErrorCode.NOT_SUPPORTED:
        message = f"{path} of this server: {message}"
    if path in ADMIN_PATHS and (answer.status == 401 or told.get("code") == "role_missing"):
        message += "; give the admin key with LLM_LLAMA_SERVICE_ADMIN_KEY or --admin-key"
    elif answer.status == 401:
        message += "; give the server's key with LLM_LLAMA_SERVICE_API_KEY or --api-key"
    return ERROR_CLASSES[code](message, where="" if message.startswith("[") else "server")


def _code_of(told: str, status: int) -> ErrorCode:
    """Our own code, or the one that the status stands for."""
    try:
        return ErrorCode(told)
    except ValueError:
        return _BY_CODE.get(told) or _BY_STATUS.get(status, ErrorCode.INTERNAL)


def _read(response: http.client.HTTPResponse) -> Answer:
    raw = response.read()
    try:
        return Answer(response.status, json.loads(raw) if raw else None)
    except ValueError:
        return Answer(response.status, None)


def _event(raw: bytes, path: str) -> dict[str, Any]:
    try:
        event = json.loads(raw)
    except ValueError:
        raise InternalError(
            f"{path} sent an event that is not valid JSON", where="server"
        ) from None
    if isinstance(event, dict) and isinstance(event.get("error"), dict):
        raise error_of(Answer(int(event["error"].get("status") or 500), event), path)
    return event if isinstance(event, dict) else {}
