# SPDX-License-Identifier: AGPL-3.0-only
"""Bodies, headers and JSON at and over their limits, and bytes that are no request at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import Any

import pytest

from sentiric_llama.http.errors import HttpError
from sentiric_llama.http.json_body import MAX_DEPTH, check_bounds, parse_object
from sentiric_llama.http.middleware import limits
from sentiric_llama.http.middleware.limits import MAX_HEADER_BYTES, MAX_HEADERS, PROGRESS_BYTES
from sentiric_llama.service.body_budget import BodyBudget

CHAT = "/v1/chat/completions"
GOOD = b'{"messages":[{"role":"user","content":"x"}]}'


def exchange(port: int, data: bytes) -> bytes:
    """Sends raw bytes and reads until the server closes or is silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        answer = b""
        try:
            peer.sendall(data)
            peer.settimeout(1)
            while part := peer.recv(65536):
                answer += part
        except OSError:
            pass
    return answer


def raw_post(*lines: str, body: bytes = GOOD) -> bytes:
    head = [f"POST {CHAT} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def padded(size: int) -> bytes:
    return GOOD[:-1] + b" " * (size - len(GOOD)) + b"}"


def test_body_at_and_over_the_limit(start: Any) -> None:
    server = start(max_body_bytes=4096)
    assert server.post(CHAT, padded(4096)).status == 200
    reply = server.post(CHAT, padded(4097))
    assert reply.status == 413 and reply.error["code"] == "request_too_large"
    assert "4096" in reply.error["message"] and reply.headers["connection"] == "close"


def test_announced_body_is_refused_unread(server: Any) -> None:
    answer = exchange(server.port, raw_post("Content-Length: 99999999999", body=b""))
    assert answer.startswith(b"HTTP/1.1 413")


def test_chunked_body_is_counted(start: Any) -> None:
    server = start(max_body_bytes=4096)
    chunk = b"400\r\n" + b" " * 0x400 + b"\r\n"
    answer = exchange(server.port, raw_post("Transfer-Encoding: chunked", body=chunk * 5))
    assert answer.startswith(b"HTTP/1.1 413")
    good = f"{len(GOOD):x}\r\n".encode() + GOOD + b"\r\n0\r\n\r\n"
    answer = exchange(server.port, raw_post("Transfer-Encoding: chunked", body=good))
    assert answer.startswith(b"HTTP/1.1 200")


def test_slow_body_times_out(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiric_llama.http.middleware.limits.BODY_TIMEOUT_S", 0.2)
    server = start()
    answer = exchange(server.port, raw_post("Content-Length: 100", body=b"{"))
    assert answer.startswith(b"HTTP/1.1 408")


class TimelessLoop(asyncio.SelectorEventLoop):
    """Nobody waits: if there is nothing to do, the clock moves on to the next timer."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        inner: Any = self
        timers = [timer.when() for timer in inner._scheduled if not timer.cancelled()]
        if not inner._ready and timers:
            self.now = max(self.now, min(timers))
        super()._run_once()  # type: ignore[misc]


class SlowBody:
    """A body whose pieces arrive after so many seconds each."""

    def __init__(self, pieces: list[tuple[float, int]]) -> None:
        self._pieces = pieces

    async def receive(self) -> Any:
        seconds, size = self._pieces.pop(0)
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": b"x" * size, "more_body": bool(self._pieces)}


@pytest.mark.parametrize(
    ("pieces", "is_complete"),
    [
        ([(0.2, PROGRESS_BYTES)] * 6, True),  # longer than the limit in all, but each is progress
        ([(0.2, 1)] * 6, False),  # one byte at a time is none
        ([(0.2, PROGRESS_BYTES)] * 30, False),  # nor may it take for ever
    ],
)
def test_a_body_may_take_long_if_it_makes_progress(
    monkeypatch: pytest.MonkeyPatch, pieces: list[tuple[float, int]], is_complete: bool
) -> None:
    monkeypatch.setattr(limits, "BODY_TIMEOUT_S", 0.5)
    monkeypatch.setattr(limits, "LONGEST_BODY_S", 3.0)

    async def main() -> None:
        body = limits._CountedBody(SlowBody(list(pieces)).receive, 2**20, BodyBudget(2**20))
        fails = (
            contextlib.nullcontext()
            if is_complete
            else pytest.raises(HttpError, match="too long to arrive")
        )
        with fails:
            for _ in pieces:
                await body.receive()

    with asyncio.Runner(loop_factory=TimelessLoop) as runner:
        runner.run(main())


def test_lengths_that_disagree(server: Any) -> None:
    both = raw_post(f"Content-Length: {len(GOOD)}", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")
    hidden = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = exchange(server.port, both + hidden)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1, "a hidden second request was answered"
    assert exchange(server.port, raw_post("Content-Length: 5", "Content-Length: 6")).startswith(
        b"HTTP/1.1 400"
    )


def test_headers_at_and_over_the_limit(server: Any) -> None:
    # Host, Accept-Encoding and x-a are there already; the rest is filled up.
    few = {f"x-{i}": "1" for i in range(MAX_HEADERS - 2)}
    assert server.request("GET", "/health", headers=few).status == 200
    reply = server.request("GET", "/health", headers=few | {"x-more": "1"})
    assert reply.status == 431 and str(MAX_HEADERS) in reply.error["message"]
    assert server.get("/health", x_a="a" * (MAX_HEADER_BYTES - 200)).status == 200
    assert server.get("/health", x_a="a" * MAX_HEADER_BYTES).status == 431
    assert server.get("/health?" + "q" * MAX_HEADER_BYTES).status == 431


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Type": "Application/JSON"}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Content-Type": "application/json; charset=latin-1"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Encoding": "identity"}, 200),
        ({"Content-Encoding": "gzip"}, 415),
    ],
)
def test_content_headers(server: Any, headers: dict[str, str], status: int) -> None:
    reply = server.request("POST", CHAT, GOOD, headers)
    assert reply.status == status
    if status == 415:
        assert "allowed" in reply.error["message"]


def test_what_has_no_body_needs_no_type(server: Any) -> None:
    """Clients send a POST without a body as it is."""
    for path, status in (("/v1/responses/a/cancel", 404), (CHAT, 400)):
        for headers in ({}, {"Content-Length": "0"}, {"Content-Type": "text/plain"}):
            reply = server.request("POST", path, headers=headers)
            assert reply.status == status, (path, headers)


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b"nul", "invalid_json"),
        (b'{"a":1}x', "invalid_json"),
        (b'{"a":NaN}', "invalid_json"),
        (b'{"a":-Infinity}', "invalid_json"),
        (b'{"a":1e999}', "invalid_json"),
        (b'{"a":' + b"9" * 100_000 + b"}", "invalid_json"),
        (b'{"a":1,"a":2}', "invalid_json"),
        (b'{"x":{"a":1,"a":2}}', "invalid_json"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        (b'{"a":"\xff"}', "invalid_unicode"),
        (b'{"a":"\xed\xa0\x80"}', "invalid_unicode"),
        (b'{"a":"\xc0\xaf"}', "invalid_unicode"),
        (rb'{"a":"\ud800"}', "invalid_unicode"),
        (rb'{"a":["x",{"b":"\uDC00"}]}', "invalid_unicode"),
        (rb'{"\ud800":1}', "invalid_unicode"),
        (nested(MAX_DEPTH + 1), "invalid_json"),
        (b'{"a":' + b"[" * 1_000_000, "invalid_json"),
        (b'{"a":"\n"}', "invalid_json"),
    ],
)
def test_bad_json(server: Any, body: bytes, code: str) -> None:
    reply = server.post(CHAT, body)
    assert reply.status == 400 and reply.error["code"] == code
    assert reply.error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"a":"x\ny"}', "a control character in a string at character 7"),
        (b'{"a":"x', "a string without an end at character 5"),
        (b"\xef\xbb\xbf{}", "a byte order mark at character 0"),
        (b'{"a":1} x', "more text after the value at character 8"),
        (b'{"a":}', "Expecting value at character 5"),
    ],
)
def test_bad_json_is_told_in_one_sentence(server: Any, body: bytes, what: str) -> None:
    message = server.post(CHAT, body).error["message"]
    assert message == f"the body is not valid JSON: {what}"


def test_too_deep_json_names_the_field(server: Any) -> None:
    deep = b'{"messages":[{"role":"user"}],"stop":"}","json_schema":' + b"[" * 40 + b"]" * 40 + b"}"
    assert server.post(CHAT, deep).error["param"] == "json_schema"
    for name in (b"not a name", b"x" * 65, b"\xff", b""):
        deep = b'{"' + name + b'":' + b"[" * 40
        assert server.post(CHAT, deep).error["param"] is None


def test_good_json() -> None:
    assert parse_object(nested(MAX_DEPTH)) is not None
    text = 'quote \\" brace { [ \\\\'
    body = json.dumps({"a": text, "b": "\U0001f600\x00", "c": [1.5, -0.0, 2**63]}).encode()
    assert parse_object(body)["a"] == text
    assert parse_object(rb'{"a":"\ud83d\ude00"}') == {"a": "\U0001f600"}
    many = json.dumps({str(i): i for i in range(100_000)}).encode()
    assert len(parse_object(many, max_items=200_001)) == 100_000
    with pytest.raises(HttpError):
        parse_object(many, max_items=200_000)


@pytest.mark.parametrize("unit", [b'"', b'\\"', b'"\\', b"\\", b'"a', b"{}", b"[]"])
def test_depth_scan_is_linear(unit: bytes) -> None:
    # Quadratic behaviour would take minutes here; no time is measured.
    check_bounds(unit * 500_000)


def test_nesting_inside_strings_does_not_count() -> None:
    check_bounds(json.dumps({"a": "[" * 1000 + '"{' * 1000}).encode())
    with pytest.raises(HttpError):
        check_bounds(b'{"a":"x\\\\",' + b"[" * 40)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nx y: 1\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_no_request_at_all(server: Any, data: bytes) -> None:
    answer = exchange(server.port, data)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert server.get("/health").status == 200


def test_injection_into_headers(server: Any) -> None:
    data = b"GET /health HTTP/1.1\r\nHost: localhost\r\nx-request-id: a\rSet-Cookie: b\r\n\r\n"
    answer = exchange(server.port, data)
    assert b"set-cookie" not in answer.lower()


def test_injection_into_events(start: Any) -> None:
    from sentiric_llama.engine.fake import FakeEngine

    server = start(lambda: FakeEngine('\n\ndata: {"x":1}\r\n\r\n\u2028'))
    reply = server.chat(stream=True)
    assert reply.text == '\n\ndata: {"x":1}\r\n\r\n\u2028'
    assert all("x" not in event for event in reply.events if isinstance(event, dict))
