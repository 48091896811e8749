# SPDX-License-Identifier: AGPL-3.0-only
"""A streaming client that spends as little as possible while the servers work.

While an answer arrives, only its bytes and their time are kept; events are read afterwards.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

TIMEOUT_S = 1200


@dataclass(frozen=True, slots=True)
class Answer:
    """One finished request. Times are seconds of `time.monotonic()`."""

    sent_at: float
    ended_at: float
    stamps: tuple[float, ...]
    """When each event with text arrived."""
    text: str
    finish_reason: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int

    @property
    def ttft_s(self) -> float:
        return self.stamps[0] - self.sent_at

    @property
    def gaps_s(self) -> list[float]:
        return [later - sooner for sooner, later in zip(self.stamps, self.stamps[1:], strict=False)]

    @property
    def decode_tok_s(self) -> float:
        """Tokens after the first by the time they took."""
        return (self.completion_tokens - 1) / (self.stamps[-1] - self.stamps[0])


class RequestFailed(Exception):
    """A request ended with an error, or not at all."""


class Call:
    """One request on its own thread, from construction to `answer()`."""

    def __init__(self, port: int, body: dict[str, Any]) -> None:
        self._body = json.dumps(body | _STREAM).encode()
        self._socket: socket.socket | None = None
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._pieces: list[tuple[float, bytes]] = []
        self._failure: Exception | None = None
        self._stopped = False
        self._status = 0
        self.sent_at = 0.0
        self._ended_at = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leaves: the server sees a client that closed the connection."""
        self._stopped = True
        if self._socket is not None:
            with contextlib.suppress(OSError):  # already gone
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def wait_first(self) -> None:
        """Until the first text arrived. Raises RequestFailed when it never does."""
        while not any(_text_of(event) for _, event in _events(tuple(self._pieces))):
            if not self._thread.is_alive():
                self.answer()
                raise RequestFailed("the stream ended without a text")
            time.sleep(0.002)

    def stamps(self) -> list[float]:
        """Arrival of each event with text so far."""
        return [at for at, event in _events(tuple(self._pieces)) if _text_of(event)]

    def answer(self) -> Answer:
        """Waits for the end. Raises RequestFailed saying what the server said."""
        self._thread.join()
        if self._failure is not None:
            raise RequestFailed(f"{type(self._failure).__name__}: {self._failure}")
        if self._status != http.client.OK:
            body = b"".join(piece for _, piece in self._pieces)
            raise RequestFailed(f"status {self._status}: {body[:300]!r}")
        return _read(self.sent_at, self._ended_at, list(_events(self._pieces)))

    def _run(self) -> None:
        try:
            self.sent_at = time.monotonic()
            self._connection.connect()
            self._socket = self._connection.sock  # the connection forgets it with the response
            headers = {"Content-Type": "application/json", "Connection": "close"}
            path = "/v1/chat/completions"
            self._connection.request("POST", path, self._body, headers)
            response = self._connection.getresponse()
            self._status = response.status
            while piece := response.read1(1 << 16):
                self._pieces.append((time.monotonic(), piece))
        except Exception as error:
            if not self._stopped:
                self._failure = error
        finally:
            self._ended_at = time.monotonic()
            self._connection.close()


_STREAM = {"stream": True, "stream_options": {"include_usage": True}}


def chat(port: int, body: dict[str, Any]) -> Answer:
    """One request from start to end."""
    return Call(port, body).answer()


def chat_all(port: int, bodies: Sequence[dict[str, Any]]) -> list[Answer]:
    """All at once, as many clients as requests."""
    calls = [Call(port, body) for body in bodies]
    return [call.answer() for call in calls]


def _events(pieces: Sequence[tuple[float, bytes]]) -> Iterator[tuple[float, dict[str, Any]]]:
    """Each complete event with the time its last byte arrived."""
    rest = b""
    for at, piece in pieces:
        *complete, rest = (rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        for block in complete:
            if block.startswith(b"data: ") and block != b"data: [DONE]":
                yield at, json.loads(block[6:])


def _text_of(event: dict[str, Any]) -> str:
    choices = event.get("choices") or [{}]
    return str(choices[0].get("delta", {}).get("content") or "")


def _read(
    sent_at: float, ended_at: float, events: Sequence[tuple[float, dict[str, Any]]]
) -> Answer:
    texts: list[str] = []
    stamps: list[float] = []
    finish, usage = "", None
    for at, event in events:
        if "error" in event:
            raise RequestFailed(f"error event: {str(event['error'])[:300]}")
        if text := _text_of(event):
            texts.append(text)
            stamps.append(at)
        for choice in event.get("choices") or ():
            finish = choice.get("finish_reason") or finish
        usage = event.get("usage") or usage
    if usage is None or not stamps:
        raise RequestFailed(f"no usage or no text; {len(events)} events, finish {finish!r}")
    details = usage.get("prompt_tokens_details") or {}
    return Answer(
        sent_at=sent_at,
        ended_at=ended_at,
        stamps=tuple(stamps),
        text="".join(texts),
        finish_reason=finish,
        prompt_tokens=usage["prompt_tokens"],
        cached_tokens=details.get("cached_tokens") or 0,
        completion_tokens=usage["completion_tokens"],
    )
