# SPDX-License-Identifier: AGPL-3.0-only
"""The error taxonomy, and the table from which every protocol answers.

`ErrorCode` mirrors `cpp/include/sentiric/error.h`; a test compares the two. An exception carries
its code, where it happened, what was got and what is allowed. It never carries prompt text.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    """Names on the wire, the same as in the C++ enum."""

    INVALID_ARGUMENT = "invalid_argument"
    CONTEXT_LENGTH_EXCEEDED = "context_length_exceeded"
    INVALID_GRAMMAR = "invalid_grammar"
    GRAMMAR_TOO_COMPLEX = "grammar_too_complex"
    MODEL_NOT_FOUND = "model_not_found"
    MODEL_INVALID = "model_invalid"
    TEMPLATE_FAILED = "template_failed"
    NOT_SUPPORTED = "not_supported"
    OVERLOADED = "overloaded"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    CANCELLED = "cancelled"
    NUMERIC = "numeric"
    OUT_OF_MEMORY = "out_of_memory"
    UNAVAILABLE = "unavailable"
    PERMISSION_DENIED = "permission_denied"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    INTERNAL = "internal"


RETRY_AFTER_S = 2
"""How long callers should wait before they try again if nothing better is known."""
LEAST_RETRY_MS = 1000
MOST_RETRY_MS = 48_000
"""With jitter at most a minute: common clients ignore longer times."""
RETRY_JITTER = 0.25
"""Callers that were refused together must not come back together."""


@dataclass(frozen=True, slots=True)
class ErrorMapping:
    """What one code means in each protocol.

    `openai_type` is the `error.type` that clients of OpenAI and llama.cpp know, `grpc` the name of
    the status code, `exit_code` the command line's. The same request may succeed if it is sent
    again unless `is_lasting`.
    """

    http: int
    openai_type: str
    grpc: str
    exit_code: int
    is_lasting: bool = True

    @property
    def is_temporary(self) -> bool:
        """True if the same request may succeed later."""
        return self.http in (429, 503)


ERROR_TABLE: dict[ErrorCode, ErrorMapping] = {
    ErrorCode.INVALID_ARGUMENT: ErrorMapping(400, "invalid_request_error", "INVALID_ARGUMENT", 2),
    ErrorCode.CONTEXT_LENGTH_EXCEEDED: ErrorMapping(
        400, "exceed_context_size_error", "INVALID_ARGUMENT", 2
    ),
    ErrorCode.INVALID_GRAMMAR: ErrorMapping(400, "invalid_request_error", "INVALID_ARGUMENT", 2),
    ErrorCode.GRAMMAR_TOO_COMPLEX: ErrorMapping(
        422, "invalid_request_error", "INVALID_ARGUMENT", 2
    ),
    ErrorCode.MODEL_NOT_FOUND: ErrorMapping(404, "not_found_error", "NOT_FOUND", 3),
    ErrorCode.MODEL_INVALID: ErrorMapping(500, "server_error", "FAILED_PRECONDITION", 4),
    ErrorCode.TEMPLATE_FAILED: ErrorMapping(400, "invalid_request_error", "FAILED_PRECONDITION", 4),
    ErrorCode.NOT_SUPPORTED: ErrorMapping(501, "not_supported_error", "UNIMPLEMENTED", 4),
    ErrorCode.OVERLOADED: ErrorMapping(
        429, "rate_limit_error", "RESOURCE_EXHAUSTED", 5, is_lasting=False
    ),
    ErrorCode.DEADLINE_EXCEEDED: ErrorMapping(504, "timeout_error", "DEADLINE_EXCEEDED", 6),
    ErrorCode.CANCELLED: ErrorMapping(499, "cancelled_error", "CANCELLED", 130),
    ErrorCode.NUMERIC: ErrorMapping(500, "server_error", "INTERNAL", 7, is_lasting=False),
    ErrorCode.OUT_OF_MEMORY: ErrorMapping(
        503, "unavailable_error", "RESOURCE_EXHAUSTED", 8, is_lasting=False
    ),
    ErrorCode.UNAVAILABLE: ErrorMapping(
        503, "unavailable_error", "UNAVAILABLE", 9, is_lasting=False
    ),
    ErrorCode.PERMISSION_DENIED: ErrorMapping(403, "permission_error", "PERMISSION_DENIED", 2),
    ErrorCode.RATE_LIMIT_EXCEEDED: ErrorMapping(
        429, "rate_limit_error", "RESOURCE_EXHAUSTED", 5, is_lasting=False
    ),
    ErrorCode.INTERNAL: ErrorMapping(500, "server_error", "INTERNAL", 10, is_lasting=False),
}


PUBLIC_TEXTS: dict[ErrorCode, str] = {
    ErrorCode.INVALID_ARGUMENT: "a setting or a field is not valid",
    ErrorCode.CONTEXT_LENGTH_EXCEEDED: "the prompt does not fit the context",
    ErrorCode.INVALID_GRAMMAR: "the grammar or schema is not valid",
    ErrorCode.GRAMMAR_TOO_COMPLEX: "the grammar takes too many steps",
    ErrorCode.MODEL_NOT_FOUND: "the model was not found",
    ErrorCode.MODEL_INVALID: "the model's file cannot be used",
    ErrorCode.TEMPLATE_FAILED: "the model's chat template cannot be used",
    ErrorCode.NOT_SUPPORTED: "the model or this build cannot do it",
    ErrorCode.OVERLOADED: "too much is under way; try again later",
    ErrorCode.DEADLINE_EXCEEDED: "it took too long",
    ErrorCode.CANCELLED: "it was cancelled",
    ErrorCode.NUMERIC: "the model computed nonsense",
    ErrorCode.OUT_OF_MEMORY: "there is not enough memory",
    ErrorCode.UNAVAILABLE: "it is not available now",
    ErrorCode.PERMISSION_DENIED: "the key may not do this",
    ErrorCode.RATE_LIMIT_EXCEEDED: "the key is over its limit; try again later",
    ErrorCode.INTERNAL: "unexpected error",
}
"""Texts of each code for callers who may not see the message; see `public`."""


def is_lasting_status(status: int) -> bool:
    """True if an HTTP error with this status says that the same request will fail again."""
    return status in (501, 504) or (400 <= status < 500 and status not in (408, 409, 429))


def retry_after_ms(expected_ms: int = 0) -> int:
    """When a caller should come back: about `expected_ms`, 0 if unknown, with jitter."""
    expected = min(expected_ms or 1000 * RETRY_AFTER_S, MOST_RETRY_MS)
    jitter = random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER)
    return max(LEAST_RETRY_MS, round(expected * jitter))


class SentiricLlamaError(Exception):
    """Base of every error of this package: `code`, `where` and `what`."""

    code: ErrorCode = ErrorCode.INTERNAL
    retry_ms: int = 0
    """Overloaded and RateLimitExceeded: milliseconds until there should be room; 0 if unknown."""
    is_final: bool = False
    """Sending the same request again is useless, whatever the code says."""
    partial: str = ""
    """The text generated before `generate` or `chat` of an engine failed."""

    def __init__(self, what: str, *, where: str = "") -> None:
        super().__init__(f"[{where}] {what}" if where else what)
        self.what = what
        self.where = where

    @property
    def wait_ms(self) -> int:
        """When the caller should come back. A key's limits are exact, all else has jitter."""
        if self.code is ErrorCode.RATE_LIMIT_EXCEEDED:
            return self.retry_ms or 1000 * RETRY_AFTER_S
        return retry_after_ms(self.retry_ms)

    @property
    def mapping(self) -> ErrorMapping:
        """What this error means in each protocol."""
        return ERROR_TABLE[self.code]

    @property
    def is_lasting(self) -> bool:
        """True if sending the same request again is useless."""
        return self.is_final or (self.mapping.is_lasting and not self.waited_in_vain)

    @property
    def waited_in_vain(self) -> bool:
        """True if the time ran out in the queue: there may be room for a new request now."""
        return self.code is ErrorCode.DEADLINE_EXCEEDED and self.where == "queue"

    @property
    def public(self) -> str:
        """A text that depends on the code only, for callers other than the one that failed.

        The message may hold a path, a prompt or a name from a file, which no filter can detect.
        """
        return f"{PUBLIC_TEXTS[self.code]} ({self.code.value})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.what, self.where)


def _rebuild(kind: type[SentiricLlamaError], what: str, where: str) -> SentiricLlamaError:
    return kind(what, where=where)


class InvalidArgument(SentiricLlamaError, ValueError):
    """A field is missing, malformed or out of range."""

    code = ErrorCode.INVALID_ARGUMENT


class ContextLengthExceeded(SentiricLlamaError, ValueError):
    """The prompt does not fit the context and the truncation policy forbids making it fit."""

    code = ErrorCode.CONTEXT_LENGTH_EXCEEDED


class InvalidGrammar(SentiricLlamaError, ValueError):
    """A grammar or JSON schema cannot be compiled or is over a limit; `where` has its position."""

    code = ErrorCode.INVALID_GRAMMAR


class GrammarTooComplex(SentiricLlamaError):
    """A compiled grammar ran out of its step budget while sampling."""

    code = ErrorCode.GRAMMAR_TOO_COMPLEX


class ModelNotFound(SentiricLlamaError, LookupError):
    """No model or adapter has this name."""

    code = ErrorCode.MODEL_NOT_FOUND


class ModelInvalid(SentiricLlamaError):
    """The file is not a loadable model."""

    code = ErrorCode.MODEL_INVALID


class TemplateFailed(SentiricLlamaError):
    """The model's chat template cannot render this conversation."""

    code = ErrorCode.TEMPLATE_FAILED


class NotSupported(SentiricLlamaError):
    """The model or the build lacks the capability."""

    code = ErrorCode.NOT_SUPPORTED


class Overloaded(SentiricLlamaError):
    """The queue is full; try again later."""

    code = ErrorCode.OVERLOADED


class DeadlineExceeded(SentiricLlamaError, TimeoutError):
    """The time allowed in the queue or in total ran out."""

    code = ErrorCode.DEADLINE_EXCEEDED


class Cancelled(SentiricLlamaError):
    """The request was cancelled."""

    code = ErrorCode.CANCELLED


class NumericError(SentiricLlamaError, ArithmeticError):
    """The model produced NaN or infinite logits; only this request ended."""

    code = ErrorCode.NUMERIC


class OutOfMemory(SentiricLlamaError, MemoryError):
    """Buffers could not be allocated."""

    code = ErrorCode.OUT_OF_MEMORY


class Unavailable(SentiricLlamaError):
    """The engine is not loaded yet, is draining or is closed."""

    code = ErrorCode.UNAVAILABLE


class PermissionDenied(SentiricLlamaError):
    """The caller's key lacks the right for what was asked."""

    code = ErrorCode.PERMISSION_DENIED


class RateLimitExceeded(SentiricLlamaError):
    """The caller's key has used up what its limits allow; `retry_ms` says when there is more."""

    code = ErrorCode.RATE_LIMIT_EXCEEDED


class InternalError(SentiricLlamaError):
    """A defect of this package or of the backend."""

    code = ErrorCode.INTERNAL


ERROR_CLASSES: dict[ErrorCode, type[SentiricLlamaError]] = {
    kind.code: kind
    for kind in (
        InvalidArgument,
        ContextLengthExceeded,
        InvalidGrammar,
        GrammarTooComplex,
        ModelNotFound,
        ModelInvalid,
        TemplateFailed,
        NotSupported,
        Overloaded,
        DeadlineExceeded,
        Cancelled,
        NumericError,
        OutOfMemory,
        Unavailable,
        PermissionDenied,
        RateLimitExceeded,
        InternalError,
    )
}


def make_error(code: str, where: str, what: str) -> SentiricLlamaError:
    """The exception for a code that crossed the binding."""
    return ERROR_CLASSES[ErrorCode(code)](what, where=where)
