# SPDX-License-Identifier: AGPL-3.0-only
"""Requests and callers that wait while an engine process loads, dies or stands still."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama.engine.aio import AsyncEngine
from sentiric_llama.engine.process import client
from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.engine.stream import AsyncStream
from sentiric_llama.errors import InternalError, Overloaded
from sentiric_llama.types import EngineConfig, Request, SamplingParams

GREEDY = SamplingParams(temperature=0)


def asked(number: int, max_tokens: int = 60) -> Request:
    tokens = [5 + number, *range(100, 134)]
    return Request(tokens=tokens, sampling=GREEDY, max_tokens=max_tokens, ignore_eos=True)


async def count_of(engine: ProcessEngine, request: Request) -> int:
    async with engine.submit(request) as deltas:
        return sum([len(delta.tokens) async for delta in deltas])


def test_a_full_queue_refuses_nothing_that_was_admitted_before(small_q8_0: Path) -> None:
    """Both are queued again at once, which together is more than the queue takes of new ones."""

    async def main() -> None:
        config = EngineConfig(str(small_q8_0), contexts=1, context_size=256, queue_tokens=40)
        engine = await ProcessEngine.open(config)
        running = asyncio.create_task(count_of(engine, asked(1, max_tokens=200)))
        while not engine.capacity.active:
            await asyncio.sleep(0.001)
        waiting = asyncio.create_task(count_of(engine, asked(2)))
        while len(engine._supervisor.live) < 2 or engine.stats().requests_submitted < 2:
            await asyncio.sleep(0.001)
        with pytest.raises(Overloaded, match="too many prompt tokens"):
            await count_of(engine, asked(3))
        os.kill(engine.pid, signal.SIGKILL)
        assert await asyncio.gather(running, waiting) == [200, 60]
        assert engine.stats().requests_failed == 0
        await engine.close()

    asyncio.run(main())


def position(stream: AsyncStream) -> int | None:
    return stream.place.position if stream.place else None


@pytest.mark.parametrize("kind", [ProcessEngine, AsyncEngine])
def test_those_who_wait_know_their_place(small_q8_0: Path, kind: Any) -> None:
    async def main() -> None:
        config = EngineConfig(str(small_q8_0), contexts=1, context_size=256)
        engine = await kind.open(config)
        async with engine.submit(asked(1, max_tokens=100_000)) as hog:
            await anext(hog)
            first, second = engine.submit(asked(2)), engine.submit(asked(3))
            async with asyncio.timeout(30):
                await first.open()
                while position(first) != 1:
                    await asyncio.sleep(0.01)
                await second.open()
                while (position(first), position(second)) != (1, 2):
                    await asyncio.sleep(0.01)
                assert hog.place is None
                first.close()
                while position(second) != 1:
                    await asyncio.sleep(0.01)
        assert sum([len(delta.tokens) async for delta in second]) == 60
        async with asyncio.timeout(30):
            while second.place is not None:
                await asyncio.sleep(0.01)
        await engine.close()

    asyncio.run(main())


def test_a_process_that_is_suspended_as_it_first_loads_is_ended(
    small_q8_0: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, pids = client.EngineProcess, []

    class Stopped(start):  # type: ignore[valid-type, misc]
        def __init__(self) -> None:
            super().__init__()
            pids.append(self.pid)

    async def main() -> None:
        monkeypatch.setattr(client, "EngineProcess", Stopped)
        loading = await client.EngineClient.start(client.Confinement((str(small_q8_0),)))
        os.kill(pids[0], signal.SIGSTOP)
        with pytest.raises(InternalError, match="while it loaded the model: suspended for"):
            await ProcessEngine.open(EngineConfig(str(small_q8_0)), loading)
        assert not Path(f"/proc/{pids[0]}").exists()

    asyncio.run(main())
