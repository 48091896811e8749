# SPDX-License-Identifier: AGPL-3.0-only
"""gRPC to one running server: calls of our own service, health, errors as ours."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from sentiric_llama.errors import (
    ERROR_CLASSES,
    ERROR_TABLE,
    DeadlineExceeded,
    ErrorCode,
    InvalidArgument,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.host.printable import quoted
from sentiric_llama.host.product import PREFIX
from sentiric_llama.rpc.generated import engine_pb2, engine_pb2_grpc
from sentiric_llama.tls.trust import NO_FILES, Trust, read

_BY_STATUS = {row.grpc: code for code, row in reversed(ERROR_TABLE.items())} | {
    "UNAUTHENTICATED": ErrorCode.INVALID_ARGUMENT,
    "PERMISSION_DENIED": ErrorCode.INVALID_ARGUMENT,
}
"""For answers of something that is not us, and of gRPC itself."""


@dataclass(frozen=True, slots=True)
class GrpcServer:
    """Where it is and how to be let in: with a CA, a certificate or after `grpcs://`, over TLS.

    Each call has a connection of its own. `timeout_s` bounds every single wait.
    """

    address: str
    api_key: str = ""
    timeout_s: float = 60.0
    trust: Trust = NO_FILES

    def capacity(self) -> engine_pb2.GetCapacityResponse:
        """State, model and contexts."""
        request = engine_pb2.GetCapacityRequest()
        with self._stub() as stub, self._told():
            answer: engine_pb2.GetCapacityResponse = stub.GetCapacity(
                request, timeout=self.timeout_s, metadata=self._metadata()
            )
            return answer

    def tokenize(self, text: str) -> list[int]:
        """Token ids of a text."""
        request = engine_pb2.TokenizeRequest(text=text)
        with self._stub() as stub, self._told():
            answer = stub.Tokenize(request, timeout=self.timeout_s, metadata=self._metadata())
        return list(answer.tokens)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text."""
        request = engine_pb2.EmbedRequest(texts=texts)
        with self._stub() as stub, self._told():
            answer = stub.Embed(request, timeout=self.timeout_s, metadata=self._metadata())
        return [list(item.values) for item in answer.embeddings]

    def chat(self, request: engine_pb2.ChatRequest) -> Iterator[engine_pb2.ChatEvent]:
        """Events of one answer. Closing the iterator cancels the call."""
        with self._stub() as stub, self._told():
            call = stub.Chat(request, metadata=self._metadata())
            silence = _Silence(call, self.timeout_s)
            try:
                for event in call:
                    silence.heard()
                    yield event
            except grpc.RpcError:
                if silence.was_too_long:
                    text = f"{self.address} said nothing for {self.timeout_s:g} s"
                    raise DeadlineExceeded(text, where="server") from None
                raise
            finally:
                silence.end()
                call.cancel()

    def health(self) -> str:
        """What grpc.health.v1 says about the whole server, UNREACHABLE when nothing answers."""
        with self._channel() as channel:
            try:
                stub: Any = health_pb2_grpc.HealthStub(channel)
                answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=self.timeout_s)
            except grpc.RpcError:
                return "UNREACHABLE"
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    @contextlib.contextmanager
    def _stub(self) -> Iterator[Any]:
        with self._channel() as channel:
            make: Any = engine_pb2_grpc.EngineServiceStub  # generated without types
            yield make(channel)

    def _channel(self) -> grpc.Channel:
        scheme, _, rest = self.address.rpartition("://")
        if scheme not in ("", "grpc", "grpcs") or ":" not in rest:
            raise InvalidArgument(
                f"got {quoted(self.address)}, allowed host:port or grpcs://host:port",
                where="--grpc-endpoint",
            )
        trust = self.trust
        is_secure = scheme == "grpcs" or (not scheme and (trust.ca_file or trust.cert_file))
        if not is_secure:
            return grpc.insecure_channel(rest)
        options = []
        if trust.server_cert and (name := trust.pinned_name()):
            options.append(("grpc.ssl_target_name_override", name))
        roots = trust.pin() if trust.server_cert else read(trust.ca_file)
        parts = (roots, read(trust.key_file), read(trust.cert_file))
        return grpc.secure_channel(rest, grpc.ssl_channel_credentials(*parts), options)

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.api_key}"),) if self.api_key else ()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """gRPC's errors come out as ours."""
        try:
            yield
        except grpc.RpcError as error:
            raise _error_of(error, self.address) from None


class _Silence:
    """Cancels a call that says nothing for too long."""

    def __init__(self, call: Any, seconds: float) -> None:
        self.was_too_long = False
        self._call = call
        self._seconds = seconds
        self._is_over = threading.Event()
        self.heard()
        threading.Thread(target=self._watch, daemon=True).start()

    def heard(self) -> None:
        """It said something."""
        self._until = time.monotonic() + self._seconds

    def end(self) -> None:
        self._is_over.set()

    def _watch(self) -> None:
        while not self._is_over.wait(max(0.0, self._until - time.monotonic())):
            if time.monotonic() >= self._until:
                self.was_too_long = True
                self._call.cancel()
                return


def _error_of(error: Any, address: str) -> SentiricLlamaError:
    """The error that a status tells, with the exit code that belongs to it."""
    reason = _reason(error)
    text = str(error.details() or error.code().name)
    if reason is None and error.code() is grpc.StatusCode.UNAVAILABLE:
        text = f"no server answers at {address} over gRPC ({text})"
        return Unavailable(text, where="server")
    if error.code() is grpc.StatusCode.UNAUTHENTICATED:
        text += f"; give the server's key with {PREFIX}API_KEY or --api-key"
    code = reason or _BY_STATUS.get(error.code().name, ErrorCode.INTERNAL)
    return ERROR_CLASSES[code](text, where="" if text.startswith("[") else "server")


def _reason(error: Any) -> ErrorCode | None:
    """Our own code from the details of a status; None when it is not one of ours."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        if detail.Unpack(info):
            with contextlib.suppress(ValueError):
                return ErrorCode(info.reason.lower())
    return None
