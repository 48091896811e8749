# SPDX-License-Identifier: AGPL-3.0-only
"""An HTTP/2 client that misbehaves on purpose, frame by frame, against a gRPC server."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

GENERATE = "/sentiric.llm.v1.LlamaService/GenerateStream"


class H2Peer:
    """One connection. `events` is everything the server said so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        config = h2.config.H2Configuration(
            client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.connection = h2.connection.H2Connection(config)
        self.events: list[h2.events.Event] = []
        self.is_closed = False

    def start(self, window: int = 65_535) -> None:
        """Says hello; `window` is how many bytes each stream may bring."""
        codes = h2.settings.SettingCodes
        self.connection.local_settings = h2.settings.Settings(
            client=True, initial_values={codes.INITIAL_WINDOW_SIZE: window, codes.ENABLE_PUSH: 0}
        )
        self.connection.initiate_connection()

    def call(self, path: str = GENERATE, message: bytes | None = b"", *, end: bool = True,
             **headers: str) -> int:  # fmt: skip
        """Opens a call and sends one uncompressed message, if any. Returns the stream's number."""
        number = self.connection.get_next_available_stream_id()
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        self.connection.send_headers(
            number,
            [
                (":method", "POST"),
                (":scheme", "http"),
                (":path", path),
                (":authority", "x"),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
                *named,
            ],
        )
        if message is not None:
            self.send(number, message, end=end)
        return number

    def send(self, number: int, message: bytes, *, compressed: bool = False,
             end: bool = True) -> None:  # fmt: skip
        frame = struct.pack(">BI", compressed, len(message)) + message
        self.connection.send_data(number, frame, end_stream=end)

    def write_frame(self, *, kind: int, stream: int, payload: bytes, flags: int = 0) -> None:
        """A frame as it is, past every rule."""
        head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
        self._writer.write(self.connection.data_to_send() + head + payload)

    async def flush(self) -> None:
        with contextlib.suppress(ConnectionError):
            self._writer.write(self.connection.data_to_send())
            await self._writer.drain()

    async def wait_for(self, kind: type[h2.events.Event], seconds: float = 20) -> h2.events.Event:
        """The first event of this kind; the connection may be over before it."""
        async with asyncio.timeout(seconds):
            while True:
                for event in self.events:
                    if isinstance(event, kind):
                        return event
                assert not self.is_closed, self.events
                await self.receive()

    async def receive(self) -> None:
        """Takes what comes next; sets `is_closed` at the end."""
        try:
            head = await self._reader.readexactly(9)
            frame = head + await self._reader.readexactly(int.from_bytes(head[:3], "big"))
            # One frame at a time: h2 takes nothing after a GOAWAY, and would drop that, too.
            self.events += self.connection.receive_data(frame)
        except (ConnectionError, asyncio.IncompleteReadError, h2.exceptions.ProtocolError):
            self.is_closed = True
        await self.flush()

    def trailers(self) -> dict[str, str]:
        """Headers and trailers of all calls, later ones winning."""
        found: dict[str, str] = {}
        for event in self.events:
            if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                found |= {_text(name): _text(value) for name, value in event.headers or ()}
        return found


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@contextlib.asynccontextmanager
async def h2_peer(port: int, window: int = 65_535) -> AsyncIterator[H2Peer]:
    """A connection on which the preface has been sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    peer = H2Peer(reader, writer)
    peer.start(window)
    await peer.flush()
    try:
        yield peer
    finally:
        writer.close()
