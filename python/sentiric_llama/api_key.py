# SPDX-License-Identifier: AGPL-3.0-only
"""The key that callers send, the same over every protocol."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


class ApiKey:
    """Knows the key by its digest, and looks for it in headers or metadata."""

    def __init__(self, key: str) -> None:
        self._digest = _digest(key.encode())

    def is_in(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """True when one `Authorization: Bearer` or `X-Api-Key` is right. Names in lower case."""
        given = [_given_key(name, value) for name, value in headers]
        return any(
            hmac.compare_digest(_digest(key), self._digest) for key in given if key is not None
        )


def _given_key(name: bytes, value: bytes) -> bytes | None:
    """The key in one header, None in any other header."""
    if name == b"x-api-key":
        return value.strip()
    if name == b"authorization":
        scheme, _, rest = value.partition(b" ")
        return rest.strip() if scheme.lower() == b"bearer" else None
    return None


def _digest(key: bytes) -> bytes:
    """Equal lengths for the constant-time comparison."""
    return hashlib.sha256(key).digest()
