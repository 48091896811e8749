# SPDX-License-Identifier: AGPL-3.0-only
"""AsyncEngine: tasks that end, break, are cancelled or sit on different loops."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import random
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine_tools import GREEDY, PATIENCE_S, seeded
from sentiric_llama.engine.aio import AsyncEngine
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidArgument,
    InvalidGrammar,
    ModelNotFound,
    Overloaded,
    Unavailable,
)
from sentiric_llama.types import Request

MANY = 100_000

Test = Callable[[AsyncEngine], Coroutine[Any, Any, None]]


@asynccontextmanager
async def opened(path: Path, **options: int) -> AsyncIterator[AsyncEngine]:
    settings = {
        "contexts": 2,
        "context_size": 128,
        "compute_threads": 1,
        "queue_limit": 64,
        **options,
    }
    async with await AsyncEngine.open(str(path), **settings) as engine:
        yield engine


def run(path: Path, test: Test, **options: int) -> None:
    """On a fresh loop; afterwards no context is held and no task is left."""

    async def main() -> None:
        async with opened(path, **options) as engine:
            await test(engine)
            await until(lambda: is_idle(engine))
            assert engine.stats().kv_tokens == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def is_idle(engine: AsyncEngine) -> bool:
    stats = engine.stats()
    return not (engine.capacity.active or stats.queued or stats.preparing)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.002)


def endless(engine: AsyncEngine) -> Any:
    return engine.stream("a", GREEDY, max_tokens=MANY, ignore_eos=True, deadline_ms=120_000)


def test_the_same_answers_as_the_engine_for_threads(small_q8_0: Path) -> None:
    options = {"contexts": 2, "context_size": 128, "compute_threads": 1}
    with Engine(str(small_q8_0), **options) as engine:
        expected = engine.generate("Hello", seeded(3), max_tokens=12)
        chat = engine.chat([{"role": "user", "content": "Hello"}], seeded(3), max_tokens=12)
        logits, rows = engine.logits([1, 500, 600]), engine.embed(["a", "b"])
        tokens = engine.tokenize("Hello")

    async def check(engine: AsyncEngine) -> None:
        got = await engine.generate("Hello", seeded(3), max_tokens=12)
        assert (got.text, got.tokens, got.usage) == (
            expected.text, expected.tokens, expected.usage,
        )  # fmt: skip
        messages = [{"role": "user", "content": "Hello"}]
        assert (await engine.chat(messages, seeded(3), max_tokens=12)).tokens == chat.tokens
        assert np.array_equal(await engine.logits([1, 500, 600]), logits)
        assert np.array_equal(await engine.embed(["a", "b"]), rows)
        assert np.array_equal(await engine.embed("a"), rows[:1])
        assert await engine.tokenize("Hello") == tokens
        assert (await engine.detokenize(tokens)).strip() == "Hello"
        assert await engine.tokenize_chat(messages)
        request = Request(text="Hello", sampling=seeded(3), max_tokens=12)
        parts = [delta.text async for delta in engine.stream(request)]
        assert "".join(parts) == expected.text

    run(small_q8_0, check)


def test_sixty_four_tasks_share_one_engine(small_q8_0: Path) -> None:
    async def check(engine: AsyncEngine) -> None:
        texts = [f"Task {i}" for i in range(64)]
        alone = [
            (await engine.generate(t, seeded(i), max_tokens=8)).tokens for i, t in enumerate(texts)
        ]
        tasks = [engine.generate(t, seeded(i), max_tokens=8) for i, t in enumerate(texts)]
        assert [c.tokens for c in await asyncio.gather(*tasks)] == alone

    run(small_q8_0, check, contexts=8)


def test_the_loop_runs_while_the_engine_works(small_q8_0: Path) -> None:
    """Two streams and a counter take turns: nothing waits for all of another."""

    async def check(engine: AsyncEngine) -> None:
        turns: list[str] = []

        async def read(name: str) -> None:
            async for _ in engine.stream("a", GREEDY, max_tokens=60, ignore_eos=True):
                turns.append(name)

        await asyncio.gather(read("x"), read("y"))
        assert "x" in turns[turns.index("y") :]
        assert "y" in turns[turns.index("x") :]

    run(small_q8_0, check)


def test_closing_a_generator_frees_the_context(small_q8_0: Path) -> None:
    async def check(engine: AsyncEngine) -> None:
        async with aclosing(endless(engine)) as stream:
            await anext(stream)
            assert engine.capacity.active == 1
            before = engine.stats()
        await until(lambda: is_idle(engine))
        assert engine.stats().steps <= before.steps + 4
        assert engine.stats().requests_cancelled == before.requests_cancelled + 1

    run(small_q8_0, check)


def test_breaking_out_of_a_loop_frees_the_context(small_q8_0: Path) -> None:
    async def check(engine: AsyncEngine) -> None:
        async for _ in endless(engine):
            break
        gc.collect()
        await until(lambda: is_idle(engine))

    run(small_q8_0, check)


@pytest.mark.parametrize("after", [0, 1, 5])
def test_cancelling_a_task_frees_the_context(small_q8_0: Path, after: int) -> None:
    async def check(engine: AsyncEngine) -> None:
        seen = 0

        async def read() -> None:
            nonlocal seen
            async for _ in endless(engine):
                seen += 1

        task = asyncio.create_task(read())
        await until(lambda: seen >= after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: is_idle(engine))

    run(small_q8_0, check)


def test_a_timeout_frees_the_context(small_q8_0: Path) -> None:
    async def check(engine: AsyncEngine) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await engine.generate("a", GREEDY, max_tokens=MANY, ignore_eos=True)

    run(small_q8_0, check)


def test_tasks_cancelled_at_random(small_q8_0: Path) -> None:
    async def check(engine: AsyncEngine) -> None:
        rng = random.Random(5)

        async def work() -> None:
            async for _ in engine.stream("a", GREEDY, max_tokens=30, ignore_eos=True):
                pass

        for _ in range(10):
            tasks = [asyncio.create_task(work()) for _ in range(20)]
            for task in tasks:
                await asyncio.sleep(rng.random() * 0.002)
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert len((await engine.generate("a", GREEDY, max_tokens=4, ignore_eos=True)).tokens) == 4

    run(small_q8_0, check)


def test_two_loops_share_one_engine(small_q8_0: Path) -> None:
    """And a loop that is gone with its streams unread disturbs neither."""

    async def use(engine: AsyncEngine, first: int) -> list[tuple[int, ...]]:
        tasks = [engine.generate("a", seeded(first + i), max_tokens=20) for i in range(4)]
        return [completion.tokens for completion in await asyncio.gather(*tasks)]

    async def leave(engine: AsyncEngine) -> None:
        stream = endless(engine)
        await anext(stream)

    async def check(engine: AsyncEngine) -> None:
        alone = await use(engine, 0), await use(engine, 4)
        await asyncio.to_thread(asyncio.run, leave(engine))
        results: dict[int, list[tuple[int, ...]]] = {}

        def other(first: int) -> None:
            results[first] = asyncio.run(use(engine, first))

        threads = [threading.Thread(target=other, args=(first,)) for first in (0, 4)]
        for thread in threads:
            thread.start()
        here = await use(engine, 0)
        for thread in threads:
            await asyncio.to_thread(thread.join)
        assert (results[0], results[4]) == alone
        assert here == alone[0]

    run(small_q8_0, check)


def test_errors_reach_the_task_that_caused_them(small_q8_0: Path) -> None:
    async def check(engine: AsyncEngine) -> None:
        healthy = asyncio.create_task(engine.generate("a", seeded(1), max_tokens=40))
        with pytest.raises(InvalidGrammar):
            await engine.generate("a", GREEDY, grammar='root ::= root "a"')
        with pytest.raises(InvalidArgument):
            await engine.generate("a", GREEDY, max_tokens=-1)
        with pytest.raises(InvalidArgument):
            await engine.tokenize("\ud800")
        with pytest.raises(InvalidArgument):
            await engine.logits([-1])
        with pytest.raises(InvalidArgument):
            await engine.embed([5])  # type: ignore[list-item]
        with pytest.raises(DeadlineExceeded):
            await engine.generate("a", GREEDY, max_tokens=MANY, ignore_eos=True, deadline_ms=1)
        again = await engine.generate("a", seeded(1), max_tokens=40)
        assert (await healthy).tokens == again.tokens

    run(small_q8_0, check)


def test_an_error_of_a_list_is_the_prompts_own(small_q8_0: Path) -> None:
    """Not a group, which no caller of a single answer catches."""

    async def check(engine: AsyncEngine) -> None:
        with pytest.raises(InvalidArgument) as caught:
            await engine.generate(["a", "", "c"], GREEDY, max_tokens=MANY, ignore_eos=True)
        assert caught.value.__notes__ == ["in prompt 1 of the list"]
        with pytest.raises(TypeError, match="AsyncEngine objects cannot be"):
            copy.copy(engine)

    run(small_q8_0, check)


def test_an_error_does_not_keep_streams_alive(small_q8_0: Path) -> None:
    async def check(engine: AsyncEngine) -> None:
        async def fail() -> list[weakref.ref[Any]]:
            hogs = [endless(engine) for _ in range(2)]
            for hog in hogs:
                await anext(hog)
            with contextlib.suppress(DeadlineExceeded):
                await engine.generate("a", GREEDY, deadline_ms=50)
                pytest.fail("no context was free")
            return [weakref.ref(hog) for hog in hogs]

        gc.collect()
        gc.disable()
        try:
            assert [ref() for ref in await fail()] == [None, None]
        finally:
            gc.enable()

    run(small_q8_0, check)


def test_a_full_queue(small_q8_0: Path) -> None:
    async def check(engine: AsyncEngine) -> None:
        tasks = [
            asyncio.create_task(engine.generate("a", GREEDY, max_tokens=600, ignore_eos=True))
            for _ in range(12)
        ]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(result, Overloaded) for result in results) == 12 - (2 + 3)

    run(small_q8_0, check, queue_limit=3)


def test_closing_ends_what_runs(small_q8_0: Path) -> None:
    async def main() -> None:
        async with opened(small_q8_0) as engine:
            reading = asyncio.Event()

            async def read() -> None:
                async for _ in endless(engine):
                    reading.set()

            tasks = [asyncio.create_task(read()) for _ in range(5)]
            await reading.wait()
            await engine.close()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(r, Cancelled | Unavailable) for r in results)
            with pytest.raises(Unavailable):
                await engine.generate("a", GREEDY)
            await engine.close()

    asyncio.run(main())


def test_opening_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        asyncio.run(AsyncEngine.open(str(tmp_path / "none.gguf")))
