# SPDX-License-Identifier: AGPL-3.0-only
"""Load shedding: refuses chat requests by their raw head while the engine is full.

Reading and routing a request only to refuse it costs ten times as much, and under overload the
event loop would do little else. The shedder sends the same response as the route would. A request
that it cannot judge from the head is processed as usual.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.errors import Overloaded, SentiricLlamaError
from sentiric_llama.http.middleware.limits import MAX_HEADER_BYTES
from sentiric_llama.http.middleware.target import OwnHosts
from sentiric_llama.http.wire.framing import SINGLE
from sentiric_llama.http.wire.refusals import whole_answer
from sentiric_llama.log.trace import clean_id
from sentiric_llama.service.service import LlamaService

SHEDDING_S = 1.0
"""How long shedding continues after a refusal."""
PER_TURN = 4
"""Chats that pass per iteration of the event loop while shedding."""
MAX_UNREAD = 64 * 1024
"""Bytes of a refused body to read and discard. A longer one closes the connection."""

_CHAT = re.compile(
    rb"POST (?:((?:/v1)?/chat/completions|/v1/responses)|(/v1/messages)(?:\?beta=true)?) "
    rb"HTTP/1\.1\r\n"
)
_HEADER = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)"
)
# Left to the application: browsers, bodies of unknown length, clients that expect a 100.
_NOT_HERE = frozenset({b"origin", b"expect", b"transfer-encoding", b"upgrade", b"content-encoding"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """The response, the size of the refused request, and whether to close the connection."""

    answer: bytes
    num_bytes: int
    closes: bool


class LoadShedder:
    """Inactive until the engine is full."""

    def __init__(self, service: LlamaService, keys: KeyRing, hosts: Collection[str] = ()) -> None:
        """`hosts` is for `OwnHosts`."""
        self._service = service
        self._hosts = OwnHosts(hosts)
        self._keys = keys
        self._needs_key = keys.locks("user")
        self._shedding_until = 0.0
        self._last: Overloaded | None = None
        self._num_passed = 0

    @property
    def is_shedding(self) -> bool:
        """True while the engine is full, and for a second after a refusal."""
        is_full = self._service.is_full or time.monotonic() < self._shedding_until
        return is_full and self._service.is_ready

    def refusal(
        self, data: bytes, server: tuple[str, Any] | None = None, *, whole_only: bool = False
    ) -> Refusal | None:
        """The refusal of the request that begins with `data`; None to process it.

        `server` begins with the local address. `whole_only` refuses only requests that have arrived
        whole, and closes their connection.
        """
        if not self.is_shedding or not (line := _CHAT.match(data)):
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
        self._shedding_until = time.monotonic() + SHEDDING_S
        path: bytes = line[1] or line[2]
        answer = self._answer(error, headers, closes, path.decode())
        return Refusal(answer, size, closes)

    def _error(self) -> Overloaded | None:
        """Why this chat cannot be accepted; None lets it pass.

        Only a few pass per iteration, because all of them would see the same free context.
        """
        if self._last is not None and self._num_passed >= PER_TURN:
            return self._last
        try:
            self._service.require_room()
        except Overloaded as error:
            self._last = error
            return error
        except SentiricLlamaError:  # the route reports it
            return None
        if self._num_passed == 0:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._num_passed += 1
        return None

    def _next_turn(self) -> None:
        self._num_passed = 0

    def _may_chat(self, headers: dict[bytes, bytes], server: tuple[str, Any] | None) -> bool:
        """False for another host or an invalid key: those do not learn about the load."""
        if not self._hosts.include(headers[b"host"].decode().lower(), server):
            return False
        if not self._needs_key:
            return True
        identity = self._keys.identify(headers.items())
        return identity is not None and identity.may("user")

    def _answer(
        self, error: Overloaded, headers: dict[bytes, bytes], closes: bool, path: str
    ) -> bytes:
        request_metrics = self._service.request_metrics
        request_metrics.http_responses[error.mapping.http] += 1
        request_metrics.note_refusal("http", "chat", error.code.value, self._service.model_name)
        given = headers.get(b"x-request-id", b"").decode("ascii")
        request_id = clean_id(given) or uuid.uuid4().hex
        return whole_answer(error, request_id, closes=closes, path=path)


def _headers(block: bytes) -> dict[bytes, bytes] | None:
    """The headers of a request with a JSON body of known length; None for any other."""
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
