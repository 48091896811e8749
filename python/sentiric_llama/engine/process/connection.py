# SPDX-License-Identifier: AGPL-3.0-only
"""The socket to an engine process: messages in frames, one write per turn of the event loop."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

from sentiric_llama.engine.messages import Step, decode_message
from sentiric_llama.host.off_loop import LARGE_TEXT

HEADER = struct.Struct("<II")
"""Length and kind, as in `cpp/process/frames.h`."""
COMMAND, STEP, OTHER = range(3)
MAX_FRAME = 2**28
MAX_STEP = 2**22
"""Steps are decoded by the event loop, which serves nobody meanwhile."""


class Connection(asyncio.Protocol):
    """Belongs to one event loop. Hands over each message, then the end of the stream, once."""

    def __init__(
        self,
        on_message: Callable[[Any], None],
        on_nonsense: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        self._on_message = on_message
        self._on_nonsense = on_nonsense
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._received = bytearray()
        self._unsent: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, encoded: bytes) -> None:
        """Sends a command at the end of this turn, together with the others of the turn."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent += (HEADER.pack(len(encoded), COMMAND), encoded)

    def _flush(self) -> None:
        data = b"".join(self._unsent)
        self._unsent.clear()
        if not self._transport.is_closing():
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._received += data
        begin = 0
        while len(self._received) - begin >= HEADER.size:
            length, kind = HEADER.unpack_from(self._received, begin)
            if length > (MAX_STEP if kind == STEP else MAX_FRAME):
                return self.close()
            end = begin + HEADER.size + length
            if len(self._received) < end:
                break
            self._take(kind, bytes(self._received[begin + HEADER.size : end]))
            begin = end
        del self._received[:begin]

    def _take(self, kind: int, frame: bytes) -> None:
        """Answers may be long, and need not keep their place among the steps."""
        if kind == OTHER and len(frame) > LARGE_TEXT:
            decoding = self._loop.run_in_executor(None, decode_message, frame)
            decoding.add_done_callback(self._decoded)
        else:
            try:
                message = decode_message(frame)
            except ValueError:
                return self.close()
            if isinstance(message, Step) is not (kind == STEP):
                return self.close()
            self._on_message(message)

    def _decoded(self, decoding: asyncio.Future[Any]) -> None:
        if (
            decoding.cancelled()
            or decoding.exception() is not None
            or isinstance(message := decoding.result(), Step)
        ):
            self.close()
        else:
            self._on_message(message)

    def close(self) -> None:
        """Closes the socket, as a process that sends nonsense is as good as gone."""
        self._on_nonsense()
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_end()
