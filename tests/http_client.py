# SPDX-License-Identifier: AGPL-3.0-only
"""A small HTTP client for tests: whole answers, raw sockets that misbehave, waiting."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any


class Reply:
    """One HTTP answer, read whole."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """Of the whole answer, or what a stream ended with that had begun before."""
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            return next(event["error"] for event in self.events if "error" in event)
        return self.json["error"]

    @property
    def events(self) -> list[Any]:
        """The parsed `data:` of an event stream, "[DONE]" as it is."""
        lines = [line for line in self.body.decode().split("\n") if line.startswith("data: ")]
        data = [line.removeprefix("data: ") for line in lines]
        return [item if item == "[DONE]" else json.loads(item) for item in data]

    @property
    def text(self) -> str:
        """What choice 0 of a chat answer says, streamed or not."""
        if not self.headers["content-type"].startswith("text/event-stream"):
            return str(self.json["choices"][0]["message"]["content"])
        chunks = [event for event in self.events if isinstance(event, dict)]
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        return "".join(c["delta"].get("content", "") for c in choices if c["index"] == 0)


def request(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    timeout_s: float = 60,
) -> Reply:
    """`body` is sent as JSON unless it is bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if raw is None else {"Content-Type": "application/json"}
    try:
        connection.request(method, path, raw, kind | (headers or {}))
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, names, answer.read())
    finally:
        connection.close()


def open_chat(
    port: int, content: str, headers: dict[str, str] | None = None, **fields: Any
) -> socket.socket:
    """A connection on which a whole chat request has been sent and nothing read."""
    body = {"messages": [{"role": "user", "content": content}], **fields}
    return open_post(port, "/v1/chat/completions", body, headers)


def open_post(
    port: int, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> socket.socket:
    """A connection on which a whole request has been sent and nothing read."""
    raw = json.dumps(body).encode()
    names = {"Host": "localhost", "Content-Type": "application/json", **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in names.items())
    head = f"POST {path} HTTP/1.1\r\n{lines}Content-Length: {len(raw)}\r\n\r\n"
    peer = socket.create_connection(("127.0.0.1", port), timeout=60)
    peer.sendall(head.encode() + raw)
    return peer


class StreamThread(threading.Thread):
    """Reads one streamed chat answer in the background; `on_piece` hears of each as it comes."""

    def __init__(
        self, port: int, content: str, on_piece: Callable[[], None] = lambda: None, **fields: Any
    ) -> None:
        super().__init__(daemon=True)
        self.pieces: list[str] = []
        self.status = 0
        self.is_complete = False
        self.error: Any = None
        self._on_piece = on_piece
        self._peer = open_chat(port, content, stream=True, **fields)
        self.start()

    def run(self) -> None:
        with self._peer, http.client.HTTPResponse(self._peer) as answer:
            answer.begin()
            self.status = answer.status
            for line in answer:
                if line == b"data: [DONE]\n":
                    self.is_complete = True
                elif line.startswith(b"data: "):
                    self._take(json.loads(line.removeprefix(b"data: ")))

    def _take(self, chunk: dict[str, Any]) -> None:
        self.error = chunk.get("error")
        for choice in chunk.get("choices", []):
            if text := choice["delta"].get("content"):
                self.pieces.append(text)
                self._on_piece()

    def text(self, seconds: float = 120) -> str:
        """The whole answer, when it is there."""
        self.join(seconds)
        assert self.is_complete, (self.status, self.error, self.pieces[-3:])
        return "".join(self.pieces)


def reset(peer: socket.socket) -> None:
    """Closes with RST instead of FIN."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def wait_until(check: Callable[[], bool], seconds: float = 30) -> bool:
    """True as soon as `check()` is, False when it was not in time."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
