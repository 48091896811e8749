# SPDX-License-Identifier: AGPL-3.0-only
"""What goes wrong between us and the server of a file, as our errors or in words for a retry."""

from __future__ import annotations

import http.client
import urllib.error

from sentiric_llama.errors import ModelInvalid, ModelNotFound, SentiricLlamaError, Unavailable


def wrong_file(name: str, what: str) -> ModelInvalid:
    """The server sends something else."""
    return ModelInvalid(f"{name} is not the requested file: {what}", where="model")


def bad_status(name: str, error: urllib.error.HTTPError) -> SentiricLlamaError:
    """A status of 400 or above that another try would not change."""
    code = error.code
    if code in (401, 403):
        return ModelNotFound(
            f"the server refuses {name} ({code}); accept its terms on the hub and set HF_TOKEN",
            where="model",
        )
    if code in (404, 410):
        return ModelNotFound(f"the server has no {name} ({code}); check the name", where="model")
    return Unavailable(
        f"cannot download {name}: the server answered {code} ({error.reason})", where="model"
    )


def bad_certificate(error: Exception) -> Unavailable:
    """TLS without trust, which another try would not change either."""
    return Unavailable(
        f"the server's certificate is not trusted ({reason_of(error)}); "
        "behind a company's proxy set SSL_CERT_FILE to its certificates",
        where="model",
    )


def type_of(answer: http.client.HTTPResponse, start: bytes) -> str:
    """What a body is that does not begin like a GGUF file."""
    is_page = answer.headers.get_content_type() == "text/html" or start.lstrip()[:1] == b"<"
    return "a web page" if is_page else "something other than a GGUF file"


def reason_of(error: Exception) -> str:
    """Why the network failed, in a few words."""
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        return reason_of(error.reason)
    if isinstance(error, TimeoutError):
        return "the server is silent"
    return getattr(error, "strerror", None) or type(error).__name__
