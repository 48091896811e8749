# SPDX-License-Identifier: AGPL-3.0-only
"""Callers who know what crashes the engine stop neither it nor the server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import native_programs
from sentiric_llama.engine.process import launch, supervisor
from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.errors import InternalError, InvalidArgument, Unavailable
from sentiric_llama.types import EngineConfig, Request, SamplingParams

FAULTY = Path(__file__).parents[3] / "build/dev/tests/cpp/process/faulty-engine"
REFUSED = "crashed twice while it worked on this request"


@pytest.fixture(autouse=True)
def _faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    native_programs.built("process/faulty-engine")
    monkeypatch.setattr(launch, "BINARY", FAULTY)


async def opened(path: Path) -> ProcessEngine:
    return await ProcessEngine.open(
        EngineConfig(str(path), contexts=4, context_size=512, compute_threads=1)
    )


async def text_of(engine: ProcessEngine, text: str, max_tokens: int = 40) -> str:
    sampling = SamplingParams(temperature=0)
    request = Request(text=text, sampling=sampling, max_tokens=max_tokens, ignore_eos=True)
    async with engine.submit(request) as deltas:
        return "".join([delta.text async for delta in deltas])


def test_many_requests_that_end_the_process_are_no_crash_loop(small_q8_0: Path) -> None:
    """Sixteen crashes within a minute, while others are served."""

    async def main() -> None:
        engine = await opened(small_q8_0)
        quiet = await text_of(engine, "tale")
        for number in range(8):
            served = asyncio.create_task(text_of(engine, "tale"))
            with pytest.raises(InternalError, match=REFUSED):
                await text_of(engine, f"{number} !fault:sampling:abort")
            assert await served == quiet
        assert await text_of(engine, "tale") == quiet
        assert engine.process.restarts == 16 and engine.process.quarantined == 8
        await engine.close()

    asyncio.run(main())


def test_crashes_of_an_idle_server_are_no_crash_loop(small_q8_0: Path) -> None:
    """A caller who has the engine for itself does not end the service."""

    async def main() -> None:
        engine = await opened(small_q8_0)
        quiet = await text_of(engine, "tale")
        for number in range(8):
            with pytest.raises(InternalError, match=REFUSED):
                await text_of(engine, f"{number} !fault:sampling:abort")
        assert await text_of(engine, "tale") == quiet
        assert engine.process.restarts == 16
        await engine.close()

    asyncio.run(main())


def test_requests_that_get_the_engine_killed_are_no_crash_loop(small_q8_0: Path) -> None:
    """As one that runs out of memory does: nobody is suspected, but it was there each time."""

    async def main() -> None:
        engine = await opened(small_q8_0)
        quiet = await text_of(engine, "tale")
        for number in range(4):
            with pytest.raises(InternalError, match=REFUSED):
                await text_of(engine, f"{number} !fault:decode:kill")
        assert await text_of(engine, "tale") == quiet
        assert engine.process.restarts == 12
        await engine.close()

    asyncio.run(main())


def test_nobody_can_have_the_content_of_others_refused(small_q8_0: Path) -> None:
    """By asking it beside something that crashes, and leaving with both."""

    async def main() -> None:
        engine = await opened(small_q8_0)
        quiet = await text_of(engine, "tale", 200)
        for number in range(6):
            popular = asyncio.create_task(text_of(engine, "tale", 200))
            while not engine.capacity.active:
                await asyncio.sleep(0)
            crashing = asyncio.create_task(text_of(engine, f"{number} !fault:decode:segv"))
            before = engine.process.restarts
            while engine.pid and engine.process.restarts == before:
                await asyncio.sleep(0)
            for task in (popular, crashing):
                task.cancel()
            await asyncio.gather(popular, crashing, return_exceptions=True)
            while not engine.pid:
                await asyncio.sleep(0.01)
        assert await text_of(engine, "tale", 200) == quiet
        await engine.close()

    asyncio.run(main())


def test_a_stream_that_goes_on_after_each_crash_is_never_refused(small_q8_0: Path) -> None:
    """Though there is no time to try it alone."""

    async def main() -> None:
        engine = await opened(small_q8_0)
        quiet = await text_of(engine, "tale", 400)
        stream = asyncio.create_task(text_of(engine, "tale", 400))
        number = 0
        while number < 5 and not stream.done():
            while not engine._supervisor.live:
                await asyncio.sleep(0)
            (live,) = engine._supervisor.live.values()
            there = len(live.delivered) + supervisor.TRIED_TOKENS
            while len(live.delivered) < there and not stream.done():
                await asyncio.sleep(0)
            before = engine.process.restarts
            crashing = asyncio.create_task(text_of(engine, f"{number} !fault:decode:segv"))
            while engine.pid and engine.process.restarts == before:
                await asyncio.sleep(0)
            crashing.cancel()
            await asyncio.gather(crashing, return_exceptions=True)
            while not engine.pid:
                await asyncio.sleep(0.01)
            number += 1
        assert await stream == quiet
        await engine.close()

    trials, supervisor.TRIALS_S = supervisor.TRIALS_S, 0.0
    try:
        asyncio.run(main())
    finally:
        supervisor.TRIALS_S = trials


def test_an_engine_that_can_serve_nobody_ends(
    small_q8_0: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies of what it tries by itself, so requests are not to blame."""
    probe = Request(text="!fault:decode:segv", max_tokens=2)
    monkeypatch.setattr(supervisor, "PROBE", probe)

    async def main() -> None:
        engine = await opened(small_q8_0)
        with pytest.raises(InternalError, match=REFUSED):
            await text_of(engine, "!fault:sampling:abort")
        with pytest.raises(Unavailable, match="crashed 6 times within a minute"):
            await text_of(engine, "tale")
        await engine.close()

    asyncio.run(main())


def test_a_call_that_ended_two_processes_is_refused_at_once(small_q8_0: Path) -> None:
    async def main() -> None:
        engine = await opened(small_q8_0)
        for _ in range(2):
            with pytest.raises(InternalError, match=REFUSED):
                await engine.tokenize_to_array("!fault:tokenizer:segv")
        assert list(await engine.tokenize_to_array("tale"))
        with pytest.raises(InvalidArgument, match="lone surrogates"):  # not a bug of the hash
            await engine.tokenize_to_array("\ud800")
        assert engine.process.restarts == 2 and engine.process.quarantined == 1
        await engine.close()

    asyncio.run(main())


def test_a_caller_who_leaves_in_time_is_remembered(small_q8_0: Path) -> None:
    """By what was asked; whoever asks it again and leaves again stops nobody."""

    async def leave(engine: ProcessEngine, text: str) -> None:
        before = engine.process.restarts
        asking = asyncio.create_task(text_of(engine, text))
        while engine.pid:  # 0 as soon as it has died
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        while engine.process.restarts == before:
            await asyncio.sleep(0.01)

    async def main() -> None:
        engine = await opened(small_q8_0)
        quiet = await text_of(engine, "tale")
        for number in range(8):
            served = asyncio.create_task(text_of(engine, "tale"))
            await leave(engine, f"{number} !fault:sampling:abort")
            assert await served == quiet
        with pytest.raises(InternalError, match=REFUSED):
            await text_of(engine, "0 !fault:sampling:abort")
        assert await text_of(engine, "tale") == quiet
        assert engine.process.restarts == 9
        with pytest.raises(InternalError, match=REFUSED):
            await text_of(engine, "0 !fault:sampling:abort")
        assert engine.process.restarts == 9
        await engine.close()

    asyncio.run(main())


def test_a_caller_who_leaves_before_the_crash_is_seen_is_remembered(small_q8_0: Path) -> None:
    async def leave(engine: ProcessEngine, asking: asyncio.Task[Any], deaths: int) -> None:
        """Cancels it when the process has died, and before this loop has looked."""
        client = engine._supervisor.client
        while client is not None and not client.page.crash().signal and not asking.done():
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        while engine.process.restarts == deaths and not asking.done():
            await asyncio.sleep(0.01)

    async def main() -> None:
        engine = await opened(small_q8_0)
        quiet = await text_of(engine, "tale")
        for make in (
            lambda: text_of(engine, "!fault:sampling:abort"),
            lambda: engine.tokenize_to_array("!fault:tokenizer:segv"),
        ):
            before = engine.process.restarts
            for _ in range(8):
                served = asyncio.create_task(text_of(engine, "tale"))
                await leave(engine, asyncio.ensure_future(make()), engine.process.restarts)
                assert await served == quiet
            with pytest.raises(InternalError, match=REFUSED):
                await make()
            assert engine.process.restarts == before + 2
        await engine.close()

    asyncio.run(main())


def test_crashes_at_once_end_no_busy_server(small_q8_0: Path) -> None:
    """Eight callers with content of their own, and eight with the same, beside a long stream."""

    async def main() -> None:
        engine = await opened(small_q8_0)
        quiet = await text_of(engine, "tale", 300)
        for texts in ([f"{n} !fault:sampling:abort" for n in range(8)], ["!fault:decode:segv"] * 8):
            served = asyncio.create_task(text_of(engine, "tale", 300))
            await asyncio.sleep(0.05)
            crashing = [asyncio.create_task(text_of(engine, text)) for text in texts]
            for error in await asyncio.gather(*crashing, return_exceptions=True):
                assert isinstance(error, InternalError)
            assert await served == quiet
        assert engine.process.quarantined <= 16
        await engine.close()

    asyncio.run(main())


def test_a_bystander_is_never_refused(small_q8_0: Path) -> None:
    """Its like was in the batch of a crash and left untried; then it is, with another culprit."""

    async def crash(engine: ProcessEngine, culprit: str) -> asyncio.Task[str]:
        bystander = asyncio.create_task(text_of(engine, "tale", 200))
        while not engine.capacity.active:
            await asyncio.sleep(0)
        asking = asyncio.create_task(text_of(engine, culprit))
        before = engine.process.restarts
        while engine.pid and engine.process.restarts == before:
            await asyncio.sleep(0)
        asking.cancel()
        return bystander

    async def main() -> None:
        engine = await opened(small_q8_0)
        quiet = await text_of(engine, "tale", 200)
        for number in range(3):
            (await crash(engine, f"{number} !fault:decode:segv")).cancel()
            while not engine.pid:
                await asyncio.sleep(0.01)
            assert await (await crash(engine, f"{number} again !fault:decode:segv")) == quiet
        assert await text_of(engine, "tale", 200) == quiet
        await engine.close()

    asyncio.run(main())


def test_what_cannot_resume_is_remembered(small_q8_0: Path) -> None:
    async def main() -> None:
        engine = await opened(small_q8_0)
        quiet = await text_of(engine, "tale")
        sampling = SamplingParams(mirostat=2, seed=1)
        request = Request(
            text="!fault:decode:segv", sampling=sampling, max_tokens=20, ignore_eos=True
        )
        errors = []
        for _ in range(7):
            served = asyncio.create_task(text_of(engine, "tale"))
            with pytest.raises((InternalError, Unavailable)) as caught:
                async for _delta in engine.submit(request):
                    pass
            errors.append(caught.type)
            assert await served == quiet
        assert errors[1:] == [InternalError] * 6  # the first depends on what was delivered
        assert engine.process.restarts == 2
        await engine.close()

    asyncio.run(main())


def test_calls_that_crash_make_nobody_else_a_suspect(small_q8_0: Path) -> None:
    """Four crashes during one long prompt, whose request only happens to be there."""

    async def main() -> None:
        engine = await opened(small_q8_0)
        long = "word " * 400
        quiet = await text_of(engine, long, 1)
        running = asyncio.create_task(text_of(engine, long, 1))
        while not engine._supervisor.live:
            await asyncio.sleep(0)
        (live,) = engine._supervisor.live.values()
        for number in range(2):
            with pytest.raises(InternalError, match=REFUSED):
                await engine.tokenize_to_array(f"{number} !fault:tokenizer:segv")
            assert not live.blame and live.present == 0
        assert await running == quiet
        await engine.close()

    asyncio.run(main())
