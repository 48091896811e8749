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
    ca_file: str = ""
    cert_file: str = ""
    """What this client shows to a server that asks for it, with `key_file`."""
    key_file: str = ""

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
        except ssl.SSLCertVerificationError as error:
            raise Unavailable(
                f"the certificate of {self.url} is not trusted ({error.verify_message}); "
                "name its authority with --ca-file",
                where="server",
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise Unavailable(
                f"no server answers at {self.url} ({reason}); "
                "start one with: sentiric-llama serve, or name another with --url",
                where="server",
            ) from None
        finally:
            connection.close()

    def _make(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, parts.port, timeout=self.timeout_s)
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file or None)
        except OSError as error:  # of TLS, too
            reason = error.strerror or type(error).__name__
            text = f"cannot use --ca-file, --cert-file or --key-file: {reason}"
            raise InvalidArgument(text, where="certificates") from None
        return http.client.HTTPSConnection(
            host, parts.port, timeout=self.timeout_s, context=context
        )


def checked_url(text: str) -> str:
    """A base address; `host:port`, as the seed's CLI takes it, means http."""
    url = (text if "://" in text else f"http://{text}").rstrip("/").removesuffix("/v1")
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
    fallback = _BY_STATUS.get(answer.status, ErrorCode.INTERNAL)
    try:
        code = ErrorCode(str(told.get("code")))
    except ValueError:
        code = fallback
    message = str(told.get("message") or f"status {answer.status}")
    if code is ErrorCode.NOT_SUPPORTED:
        message = f"{path} of this server: {message}"
    if path in ADMIN_PATHS and (answer.status == 401 or told.get("code") == "role_missing"):
        message += "; give the admin key with LLM_LLAMA_SERVICE_ADMIN_KEY or --admin-key"
    elif answer.status == 401:
        message += "; give the server's key with LLM_LLAMA_SERVICE_API_KEY or --api-key"
    return ERROR_CLASSES[code](message, where="" if message.startswith("[") else "server")


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
        raise InternalError(f"{path} sent an event that is no JSON", where="server") from None
    if isinstance(event, dict) and isinstance(event.get("error"), dict):
        raise error_of(Answer(int(event["error"].get("status") or 500), event), path)
    return event if isinstance(event, dict) else {}
