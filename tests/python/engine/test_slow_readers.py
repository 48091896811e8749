# SPDX-License-Identifier: AGPL-3.0-only
"""A reader that is slower than the engine holds up its own stream, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_tools import GREEDY, prompt_tokens, wait_until
from sentiric_llama import AsyncEngine, DeadlineExceeded, Engine, Overloaded, Stream
from sentiric_llama.engine.stream import WINDOW, AsyncStream
from sentiric_llama.host.process import resident_bytes

MANY = 100_000
LENGTH = 400
OPTIONS = {"max_tokens": MANY, "ignore_eos": True}


@pytest.fixture(scope="module")
def engine(small_q8_0: Path) -> Iterator[Engine]:
    options = {"contexts": 8, "context_size": 512, "compute_threads": 1, "reader_wait_ms": 0}
    with Engine(str(small_q8_0), **options) as engine:
        yield engine


def start(engine: Engine, seed: int, length: int = MANY) -> Stream:
    return engine.stream(prompt_tokens(8, seed), GREEDY, max_tokens=length, ignore_eos=True)


def tokens_of(stream: Stream) -> list[int]:
    return [token for delta in stream for token in delta.tokens]


def test_one_unread_stream_of_eight(engine: Engine) -> None:
    """It stops, it costs no memory, the others do not notice, and it goes on when it is read."""
    alone = [tokens_of(start(engine, seed, LENGTH)) for seed in range(1, 8)]
    expected = []
    for token in (t for delta in start(engine, 9) for t in delta.tokens):
        expected.append(token)
        if len(expected) == 3 * WINDOW:
            break
    unread = start(engine, 9)
    wait_until(lambda: engine.stats().reader_waits == 1)

    def run_the_others() -> None:
        streams = [start(engine, seed, LENGTH) for seed in range(1, 8)]
        assert [tokens_of(stream) for stream in streams] == alone

    run_the_others()  # the allocator's own growth
    before, memory = engine.stats(), resident_bytes()
    assert memory
    for _ in range(3):
        run_the_others()
    after = engine.stats()
    assert after.generated_tokens - before.generated_tokens == 3 * 7 * LENGTH
    assert after.reader_waits == 1 and engine.capacity.active == 1
    assert (resident_bytes() or 2**63) - memory < 2**20
    with unread:
        taken: list[int] = []
        while len(taken) < 3 * WINDOW:
            taken += next(unread).tokens
    assert taken[: 3 * WINDOW] == expected
    assert after.preemptions == before.preemptions


def test_nothing_is_computed_for_streams_that_nobody_reads(engine: Engine) -> None:
    streams = [start(engine, seed) for seed in range(1, 9)]
    wait_until(lambda: engine.stats().reader_waits == 8)
    before = engine.stats()
    time.sleep(0.3)
    after = engine.stats()
    assert (after.steps, after.decode_calls) == (before.steps, before.decode_calls)
    assert after.generated_tokens - before.generated_tokens == 0
    for stream in streams:
        stream.close()
    wait_until(lambda: engine.capacity.active == 0)


def test_a_stream_that_is_never_read_ends_typed(small_q8_0: Path) -> None:
    options = {"contexts": 1, "context_size": 512, "compute_threads": 1, "reader_wait_ms": 300}
    with Engine(str(small_q8_0), **options) as engine:
        unread = start(engine, 1)
        wait_until(lambda: engine.stats().requests_failed == 1)
        assert engine.capacity.active == 0
        assert len(tokens_of(start(engine, 2, LENGTH))) == LENGTH  # it took nobody's place
        taken: list[int] = []
        with pytest.raises(DeadlineExceeded) as caught:
            for delta in unread:
                taken += delta.tokens
        assert caught.value.where == "reader" and len(taken) == WINDOW


def test_a_list_of_prompts_is_read_side_by_side(small_q8_0: Path) -> None:
    """Read one after another, the second would have no reader for longer than it may wait."""
    options = {"contexts": 2, "context_size": 512, "compute_threads": 1, "reader_wait_ms": 300}
    length = 4 * WINDOW
    with Engine(str(small_q8_0), **options) as engine:
        answers = engine.generate(["a", "b", "c"], GREEDY, max_tokens=length, ignore_eos=True)
        assert [answer.usage.completion_tokens for answer in answers] == [length] * 3
        stats = engine.stats()
        assert stats.requests_failed == 0
        assert stats.steps < 2.6 * length  # two and one; one after another are three
        alone = [
            engine.generate(text, GREEDY, max_tokens=length, ignore_eos=True) for text in "abc"
        ]
    assert [answer.text for answer in answers] == [answer.text for answer in alone]


def test_on_an_event_loop(small_q8_0: Path) -> None:
    async def main() -> None:
        options = {"contexts": 2, "context_size": 512, "compute_threads": 1, "reader_wait_ms": 300}
        async with await AsyncEngine.open(str(small_q8_0), **options) as engine:
            unread = engine.stream([5], GREEDY, **OPTIONS)
            paused = engine.stream([5], GREEDY, **OPTIONS)
            seen = 0
            async for delta in paused:  # slower than the engine, but it reads
                seen += len(delta.tokens)
                if seen % 64 == 0:
                    await asyncio.sleep(0.01)
                if seen >= 4 * WINDOW:
                    break
            await paused.aclose()
            await unread.open()
            async with asyncio.timeout(60):
                while engine.stats().requests_failed < 1:
                    await asyncio.sleep(0.01)
            with pytest.raises(DeadlineExceeded) as caught:
                async for _ in unread:
                    pass
            assert caught.value.where == "reader"

    asyncio.run(main())


class RefusedStream(AsyncStream):
    async def _submit(self) -> None:
        await asyncio.sleep(0.01)
        raise Overloaded("no room", where="queue")

    def _grant(self, tokens: int) -> None: ...

    def _cancel(self) -> None: ...


def test_readers_of_a_refused_request_find_its_end() -> None:
    """The one that opened it gets the reason; the other does not wait for ever."""

    async def body() -> list[object]:
        stream = RefusedStream()
        both = asyncio.gather(stream.read(), stream.read(), return_exceptions=True)
        return await asyncio.wait_for(both, 30)

    first, second = asyncio.run(body())
    assert isinstance(first, Overloaded) and second == []
