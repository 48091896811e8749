# SPDX-License-Identifier: AGPL-3.0-only
"""Refuses chats by their raw head while the engine has no room.

Reading a request to its end only to refuse it costs ten times as much, and in an overload that is
what the event loop would do all day. The gate only ever refuses, with the answer that the route
would have given; whatever it is not sure of goes the usual way: to the guards, and to the route.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sentiric_llama.access.api_key import KeyRing
from sentiric_llama.errors import Overloaded, SentiricLlamaError
from sentiric_llama.http.middleware.limits import MAX_HEADER_BYTES
from sentiric_llama.http.middleware.target import OwnHosts
from sentiric_llama.http.wire.framing import SINGLE
from sentiric_llama.http.wire.refusals import whole_answer
from sentiric_llama.log.trace import clean_id
from sentiric_llama.service.service import LlamaService

CLOSED_S = 1.0
PER_TURN = 4
"""Chats that are let through in one turn of the event loop while the gate is closed."""
MAX_UNREAD = 64 * 1024
"""Of a body that is still to come, to keep the connection; a longer one ends it."""

_CHAT = re.compile(rb"POST (?:/v1)?/chat/completions HTTP/1\.1\r\n")
_HEADER = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)"
)
# A browser's, a body of unknown length, a client that waits for a word: for the application.
_NOT_HERE = frozenset({b"origin", b"expect", b"transfer-encoding", b"upgrade", b"content-encoding"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """What to send, how long the request is that it answers, and whether the connection ends."""

    answer: bytes
    num_bytes: int
    closes: bool


class Gate:
    """Costs nothing until the route has had to refuse a chat."""

    def __init__(self, service: LlamaService, keys: KeyRing, hosts: Collection[str] = ()) -> None:
        """`hosts` are those of `OwnHosts`."""
        self._service = service
        self._hosts = OwnHosts(hosts)
        self._keys = keys
        self._needs_key = keys.locks("user")
        self._closed_until = 0.0
        self._last: Overloaded | None = None
        self._num_let_through = 0

    @property
    def is_closed(self) -> bool:
        """Somebody was refused within the last second."""
        is_full = self._service.is_full or time.monotonic() < self._closed_until
        return is_full and self._service.is_ready

    def refusal(
        self, data: bytes, server: tuple[str, Any] | None = None, *, whole_only: bool = False
    ) -> Refusal | None:
        """The refusal of the request that begins here, None when it is to be read.

        `server` begins with the address that it came in on. `whole_only` leaves those alone of
        which something is still to come, and ends the others' connection.
        """
        if not self.is_closed or not (line := _CHAT.match(data)):
            return None
        end = data.find(b"\r\n\r\n", line.end() - 2, MAX_HEADER_BYTES)
        headers = _headers(data[line.end() : end]) if end > 0 else None
        if headers is None or not self._may_chat(headers, server):
            return None
        size = end + 4 + int(headers[b"content-length"])
        if whole_only and size > len(data):
            return None
        keeps = headers.get(b"connection", b"keep-alive").lower() == b"keep-alive"
        closes = whole_only or not keeps or size - len(data) > MAX_UNREAD
        error = self._error()
        if error is None:
            return None
        self._closed_until = time.monotonic() + CLOSED_S
        return Refusal(self._answer(error, headers, closes), size, closes)

    def _error(self) -> Overloaded | None:
        """Why this chat cannot be taken; None lets it through.

        All that come in one turn would find the same free place, so only a few may.
        """
        if self._last is not None and self._num_let_through >= PER_TURN:
            return self._last
        try:
            self._service.require_room()
        except Overloaded as error:
            self._last = error
            return error
        except SentiricLlamaError:  # the route says it
            return None
        if self._num_let_through == 0:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._num_let_through += 1
        return None

    def _next_turn(self) -> None:
        self._num_let_through = 0

    def _may_chat(self, headers: dict[bytes, bytes], server: tuple[str, Any] | None) -> bool:
        """Who asks for another host, or without a key, is not told how busy it is."""
        if not self._hosts.include(headers[b"host"].decode().lower(), server):
            return False
        if not self._needs_key:
            return True
        identity = self._keys.identify(headers.items())
        return identity is not None and identity.may("user")

    def _answer(self, error: Overloaded, headers: dict[bytes, bytes], closes: bool) -> bytes:
        request_metrics = self._service.request_metrics
        request_metrics.http_responses[error.mapping.http] += 1
        request_metrics.note_refusal("http", "chat", error.code.value, self._service.model_name)
        given = headers.get(b"x-request-id", b"").decode("ascii")
        return whole_answer(error, clean_id(given) or uuid.uuid4().hex, closes=closes)


def _headers(block: bytes) -> dict[bytes, bytes] | None:
    """Of a JSON body of known length, None when anything is unusual."""
    found: dict[bytes, bytes] = {}
    for line in block.split(b"\r\n"):
        header = _HEADER.fullmatch(line)
        if header is None:
            return None
        name = header[1].lower()
        if name in _NOT_HERE or (name in SINGLE and name in found):
            return None
        found[name] = header[2]
    is_json = found.get(b"content-type", b"").lower().startswith(b"application/json")
    length = found.get(b"content-length", b"")
    is_clear = is_json and b"host" in found and length.isdigit() and len(length) < 10
    return found if is_clear else None
