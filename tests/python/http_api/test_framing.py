# SPDX-License-Identifier: AGPL-3.0-only
"""Where requests begin and end: nothing that two servers could read in two ways is accepted."""

from __future__ import annotations

import asyncio
import random

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from http_wire import FakeTransport, Wire
from sentiric_llama.http.wire import framing

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
LENGTH = HEAD + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"\r\n5;why=not\r\nhello\r\n00a\r\n0123456789\r\n"
AFTER = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

GOOD = [
    (AFTER, [200]),
    (AFTER + AFTER, [200, 200]),
    (LENGTH + AFTER, [200, 200]),
    (HEAD + b"Content-Length: 5\r\n\r\n\n\r\n\t\n" + AFTER, [200, 200]),  # a body may hold anything
    (CHUNKED + CHUNKS + b"0\r\n\r\n" + AFTER, [200, 200]),
    (CHUNKED + CHUNKS + b"0\r\nX-Trailer: 1\r\n\r\n" + AFTER, [200, 200]),
    (CHUNKED + b"\r\n4\r\n\n\n\r \r\n0\r\n\r\n" + AFTER, [200, 200]),
    (HEAD + b"X-A: 1\r\nX-A: 2\r\nAccept: a\r\nAccept: b\r\n\r\n" + AFTER, [200, 200]),
    (HEAD + b"X-Empty:\r\nX-Tab:\ta\tb\t\r\n\r\n", [200]),
]
BAD_HEADS = {
    "bare LF after the request line": b"GET / HTTP/1.1\nHost: localhost\r\n\r\n",
    "bare LF after a header": b"GET / HTTP/1.1\r\nHost: localhost\nX-A: 1\r\n\r\n",
    "bare LF alone": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "bare LF as the blank line": b"GET / HTTP/1.1\r\nHost: localhost\r\n\n",
    "bare LF before CRLF": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\n\r\n",
    "bare CR in a value": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\rX-B: 2\r\n\r\n",
    "two CR": b"GET / HTTP/1.1\r\r\nHost: localhost\r\n\r\n",
    "folded with a space": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n 2\r\n\r\n",
    "folded with a tab": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n\t2\r\n\r\n",
    "folded length": HEAD + b"Content-Length: 1\r\n 0\r\n\r\n0123456789",
    "folded before the first header": b"GET / HTTP/1.1\r\n X: 1\r\nHost: localhost\r\n\r\n",
    **{
        f"second {name.decode()}": HEAD + b"%b: %b\r\n%b: %b\r\n\r\n" % (name, one, other, two)
        for name, other, one, two in [
            (b"Content-Type", b"content-type", b"text/plain", b"application/json"),
            (b"Content-Length", b"CONTENT-LENGTH", b"0", b"0"),
            (b"Authorization", b"authorization", b"Bearer a", b"Bearer b"),
            (b"X-Api-Key", b"x-api-key", b"a", b"b"),
            (b"X-Tenant-Id", b"x-tenant-id", b"a", b"b"),
            (b"Transfer-Encoding", b"transfer-encoding", b"chunked", b"chunked"),
            (b"Content-Encoding", b"content-encoding", b"identity", b"identity"),
            (b"Origin", b"origin", b"http://a", b"http://b"),
        ]
    },
    "second Host": HEAD + b"host: y\r\n\r\n",
    "chunks in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + CHUNKS + b"0\r\n\r\n",
    **{
        f"length {value!r}": HEAD + b"Content-Length:%b\r\n\r\nhello" % value
        for value in (
            b" 5, 5",
            b" 5,5",
            b" 5,",
            b" +5",
            b" 0x5",
            b" 5 5",
            b"",
            b" 5;",
            b" " + b"0" * 30,
        )
    },
}
BAD_BODIES = {
    "chunk size with bare LF": CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n",
    "bare LF only": CHUNKED + b"\r\n5\nhello\n0\n\n",
    "space after the size": CHUNKED + b"\r\n5 \r\nhello\r\n0\r\n\r\n",
    "space before the size": CHUNKED + b"\r\n 5\r\nhello\r\n0\r\n\r\n",
    "hexadecimal prefix": CHUNKED + b"\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "bare CR in an extension": CHUNKED + b"\r\n5;a\rb\r\nhello\r\n0\r\n\r\n",
    "bare LF in an extension": CHUNKED + b"\r\n5;a\nb\r\nhello\r\n0\r\n\r\n",
    "endless extension": CHUNKED + b"\r\n5;" + b"a" * 300 + b"\r\nhello\r\n0\r\n\r\n",
    "size of a thousand digits": CHUNKED + b"\r\n" + b"0" * 1000 + b"5\r\nhello\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"\r\n5\r\nhello world\r\n0\r\n\r\n",
    "trailer with bare LF": CHUNKED + b"\r\n0\r\nX-A: 1\n\r\n",
    "trailer folded": CHUNKED + b"\r\n0\r\nX-A: 1\r\n 2\r\n\r\n",
    "end with bare LF": CHUNKED + b"\r\n0\r\n\n",
}
ALL = [data for data, _ in GOOD] + list(BAD_HEADS.values()) + list(BAD_BODIES.values())


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await JSONResponse({"got": len(body)})(scope, receive, send)


def send(*ways: list[bytes], after: bytes = b"") -> list[FakeTransport]:
    """What becomes of connections, one for each list; their pieces arrive one a turn."""

    async def main() -> list[FakeTransport]:
        wires = [Wire(_app) for _ in ways]
        for wire, pieces in zip(wires, ways, strict=True):
            for piece in (*pieces, after):
                await wire.send([piece] if piece else [], turns=2)
            await wire.send([], turns=20)
            has_ended = wire.transport.is_closed or wire.transport.has_ended
            wire.hang_up()
            wire.transport.is_closed = has_ended
        return [wire.transport for wire in wires]

    return asyncio.run(main())


def verdicts(*ways: list[bytes]) -> list[tuple[list[int], bool]]:
    return [(transport.statuses, transport.is_closed) for transport in send(*ways)]


def cut(data: bytes, dice: random.Random, count: int) -> list[bytes]:
    cuts = sorted(dice.sample(range(len(data)), min(count, len(data))))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@pytest.mark.parametrize(("data", "statuses"), GOOD)
def test_what_is_clear(data: bytes, statuses: list[int]) -> None:
    (transport,) = send([data])
    assert transport.statuses == statuses and not transport.is_closed


@pytest.mark.parametrize("name", BAD_HEADS)
def test_an_ambiguous_head_is_refused(name: str) -> None:
    """Nothing behind it is answered, for nobody knows where it begins."""
    (transport,) = send([BAD_HEADS[name]], after=AFTER)
    assert transport.statuses == [400] and transport.is_closed
    assert b'"type":"invalid_request_error"' in transport.writes[0]
    assert b"connection: close" in transport.writes[0].lower()
    assert len(transport.writes) == 1


@pytest.mark.parametrize("name", BAD_BODIES)
def test_an_ambiguous_body_is_refused(name: str) -> None:
    (transport,) = send([BAD_BODIES[name]], after=AFTER)
    assert transport.statuses == [400] and transport.is_closed


def test_the_answer_says_what_is_wrong() -> None:
    for name, words in [
        ("bare LF alone", b"a line ends in LF without CR"),
        ("folded with a tab", b"goes on in a second line"),
        ("second Content-Type", b"duplicate header content-type"),
    ]:
        assert words in send([BAD_HEADS[name]])[0].writes[0]


@pytest.mark.parametrize("data", ALL)
def test_how_bytes_are_split_changes_nothing(data: bytes) -> None:
    """Byte by byte, and in random pieces."""
    dice = random.Random(len(data))
    ways = [[data], [data[i : i + 1] for i in range(len(data))]]
    ways += [cut(data, dice, dice.randint(1, 4)) for _ in range(25)]
    whole, *parts = verdicts(*ways)
    assert [way for way, part in zip(ways[1:], parts, strict=True) if part != whole] == []


def test_random_requests_have_one_verdict() -> None:
    """Mutants of good requests: the verdict never depends on how they were cut."""
    dice = random.Random(10)
    parts = [b"\r\n", b"\n", b"\r", b" ", b"\t", b"0", b"5", b":", b";", b"Content-Type: a\r\n"]
    ways = []
    for _ in range(300):
        data = bytearray(dice.choice(GOOD)[0])
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(data))
            data[at : at + dice.randint(0, 2)] = dice.choice(parts)
        ways += [[bytes(data)], cut(bytes(data), dice, 5)]
    found = verdicts(*ways)
    differ = [way for way, a, b in zip(ways[1::2], found[::2], found[1::2], strict=True) if a != b]
    assert differ == []


def test_each_byte_of_a_head_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head of 16 KB that comes byte by byte costs a fixed number of looks for each byte."""
    looked = 0

    class Counting:
        def search(self, data: bytearray, start: int, stop: int) -> None:
            nonlocal looked
            looked += stop - start

    monkeypatch.setattr(framing, "_AMBIGUOUS", Counting())
    buffer = framing.StrictBuffer()
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 16_000 + b"\r\n\r\n"
    lines = None
    for byte in head:
        assert lines is None
        buffer += bytes([byte])
        lines = buffer.maybe_extract_lines()
    assert lines is not None and len(lines) == 3
    assert looked <= 5 * len(head)


def test_a_second_problem_in_the_middle_of_an_answer_just_ends_it() -> None:
    """The head of a good answer is out; a broken body cannot be told any more."""

    async def main() -> FakeTransport:
        async def early(_scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass

        wire = Wire(early)
        await wire.send([CHUNKED + b"\r\n"])
        await wire.send([b"5\nhello"])
        wire.hang_up()
        return wire.transport

    transport = asyncio.run(main())
    assert transport.statuses == [200] and transport.is_closed
