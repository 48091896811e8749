# SPDX-License-Identifier: AGPL-3.0-only
"""A client that waits hears its place in the queue; many clients at once all get their answer."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from http_client import open_chat, wait_until
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import DeadlineExceeded, InvalidGrammar
from sentiric_llama.http import queue_notes
from sentiric_llama.http.queue_notes import QueueNotes, queue_headers
from sentiric_llama.http.sse import KEEP_ALIVE
from sentiric_llama.telemetry import queue_watch
from sentiric_llama.telemetry.queue_watch import QueueWatch
from sentiric_llama.types import EngineStats
from sentiric_llama.types.queue import LONGEST_LINE, Line, QueuePlace, room_ms, wait_ms

MESSAGES: Any = [{"role": "user", "content": "hi"}]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_notes, "NOTE_S", 0.05)
    monkeypatch.setattr("sentiric_llama.http.routes.chat.NOTE_S", 0.05)
    monkeypatch.setattr(queue_watch, "LOOK_S", 0.01)
    monkeypatch.setattr(queue_watch, "LOOK_AGAIN_S", 0.01)


@pytest.mark.usefixtures("impatient")
def test_a_stream_that_waits_begins_and_tells_each_new_place(start: Any) -> None:
    gate = asyncio.Event()

    class Gated(FakeEngine):
        async def deltas(self, request: Any) -> Any:
            inner = super().deltas(request)
            async for delta in inner:
                await gate.wait()
                yield delta

    server = start(lambda: Gated("a", contexts=1))
    holder = open_chat(server.port, "x", stream=True)
    assert wait_until(lambda: server.engine.active == 1)
    others = [open_chat(server.port, "x", stream=True)]
    assert wait_until(lambda: len(server.engine.line) == 1)
    with open_chat(server.port, "x", stream=True) as peer:
        data = b""
        while b": queue position=2\n\n" not in data:
            data += peer.recv(65536)
        head, _, _ = data.partition(b"\r\n\r\n")
        assert b"x-queue-position: 2\r\n" in head and b"x-queue-wait-ms: " in head
        others[0].close()
        while b": queue position=1\n\n" not in data:
            data += peer.recv(65536)
        assert data.count(b": queue position=") == 2  # only when it changes
        server.loop.call_soon_threadsafe(gate.set)
        while b"[DONE]" not in data:
            data += peer.recv(65536)
    holder.close()


@pytest.mark.usefixtures("impatient")
def test_a_whole_answer_that_waited_says_so(start: Any) -> None:
    server = start(lambda: FakeEngine("ab", contexts=1, delay_s=0.2))
    holder = open_chat(server.port, "x", stream=True)
    assert wait_until(lambda: server.engine.active == 1)
    reply = server.chat()
    assert reply.headers["x-queue-position"] == "1" and int(reply.headers["x-queue-wait-ms"]) > 0
    holder.close()
    assert wait_until(lambda: server.engine.active == 0)
    for reply in (server.chat(), server.chat(stream=True)):
        assert "x-queue-position" not in reply.headers


@pytest.mark.usefixtures("impatient")
def test_where_waits_are_short_an_error_keeps_its_status(start: Any) -> None:
    """A gateway sends the request elsewhere when it sees the status."""

    class Busy(FakeEngine):
        async def deltas(self, request: Any) -> Any:
            self.line.append(request)
            for _ in range(100):
                await asyncio.sleep(0.005)
            raise DeadlineExceeded("no context became free in time", where="queue")
            yield

    for queue_wait_ms, status in ((2000, 504), (30_000, 200)):
        reply = start(Busy, queue_wait_ms=queue_wait_ms).chat(stream=True)
        assert reply.status == status and reply.error["code"] == "deadline_exceeded"


def test_an_error_before_the_stream_has_begun_keeps_its_status(start: Any) -> None:
    server = start(lambda: FakeEngine(fail=InvalidGrammar("x", where="grammar"), contexts=1))
    assert server.chat(stream=True).status == 400


# The pure parts


class OneStream:
    def __init__(self, position: int, wait_ms: int = 0) -> None:
        self.place: QueuePlace | None = QueuePlace(position, wait_ms=wait_ms)


def test_comments_and_headers() -> None:
    stream: Any = OneStream(3, 1500)
    watch = QueueWatch([stream])
    notes = QueueNotes(watch)
    assert notes.comment() == b"" and queue_headers(watch) == {}
    watch.look()
    assert notes.comment() == b": queue position=3 wait_ms=1500\n\n"
    assert notes.comment() == b""
    assert notes.comment_or(KEEP_ALIVE, 15.0, 15.0) == KEEP_ALIVE
    stream.place = QueuePlace(1, wait_ms=500)
    watch.look()
    assert notes.comment() == b": queue position=1 wait_ms=500\n\n"
    assert queue_headers(watch)["x-queue-position"] == "3"
    assert int(queue_headers(watch)["x-queue-wait-ms"]) >= 500
    stream.place = QueuePlace(1025, is_exact=False)
    watch.look()
    assert notes.comment() == b": queue position<=1025\n\n"
    watch.end()
    assert notes.comment() == b"" and watch.now is None


def test_choices_wait_together() -> None:
    first, second = OneStream(3), OneStream(1)
    streams: list[Any] = [first, second]
    watch = QueueWatch(streams)
    watch.look()
    assert watch.now is not None and watch.now.position == 1
    second.place = None  # it has a context
    watch.look()
    assert watch.now is None


def test_a_line_is_not_asked_for_by_each_of_many() -> None:
    asked = []

    def ask() -> list[int]:
        asked.append(1)
        return [7, 9]

    line = Line(ask, lambda: EngineStats(queued=2, request_ms_mean=2000.0), contexts=4)
    places = [line.place_of(number) for number in (7, 9, 8)]
    assert places == [QueuePlace(1, wait_ms=500), QueuePlace(2, wait_ms=1000), None]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("queued", "place"),
    [
        (LONGEST_LINE, None),  # it is being prepared, or has a context
        (LONGEST_LINE + 1, QueuePlace(1025, is_exact=False, wait_ms=512_500)),
    ],
)
def test_a_queue_too_long_to_tell_its_order_gives_a_bound(queued: int, place: Any) -> None:
    stats = EngineStats(queued=queued, request_ms_mean=2000.0)
    assert Line(list, lambda: stats, contexts=4).place_of(7) == place


def test_expected_times() -> None:
    assert wait_ms(3, 2000.0, 4) == 1500 and wait_ms(10**9, 1e9, 1) == 600_000
    assert room_ms(64, 2000.0, 4) == 16_000 and room_ms(0, 2000.0, 4) == 500
    assert room_ms(5, 0.0, 4) == 0


# Many at once


def test_sixty_calls_of_a_client_with_its_defaults_all_succeed(start: Any) -> None:
    server = start(lambda: FakeEngine("abcd", contexts=4, delay_s=0.005))

    async def main() -> list[Any]:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
            calls = (
                client.chat.completions.create(model="default", messages=MESSAGES)
                for _ in range(60)
            )
            return await asyncio.gather(*calls)

    answers = asyncio.run(main())
    assert [answer.choices[0].message.content for answer in answers] == ["abcd"] * 60
    assert server.engine.stats().requests_rejected == 0
    assert server.engine.most_active == 4
