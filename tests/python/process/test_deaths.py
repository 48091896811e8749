# SPDX-License-Identifier: AGPL-3.0-only
"""An engine process that dies costs nobody who is innocent anything but time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from process_tools import asked, forget_deaths, opened, text_of
from sentiric_llama.engine.process import launch
from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.engine.protocol import EngineState
from sentiric_llama.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidArgument,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.types import Request


def run(path: Path, test: Callable[[ProcessEngine], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with opened(path, **options) as engine:
            await test(engine)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_what_it_says_while_it_restarts(small_q8_0: Path) -> None:
    async def check(engine: ProcessEngine) -> None:
        seen: list[EngineState] = []
        engine.observe(seen.append)
        completed = engine.stats().requests_completed
        await text_of(engine, asked(1))
        os.kill(engine.pid, signal.SIGKILL)
        await text_of(engine, asked(2))
        assert await engine.detokenize(await engine.tokenize_to_array("hello")) == "hello"
        assert seen == [EngineState.RESTARTING, EngineState.RUNNING]
        stats = engine.stats()
        assert stats.requests_completed == completed + 2 == stats.requests_submitted

    run(small_q8_0, check)


def test_a_call_is_asked_again(small_q8_0: Path) -> None:
    async def check(engine: ProcessEngine) -> None:
        before = list(await engine.tokenize_to_array("hello there"))
        asking = [asyncio.create_task(engine.tokenize_to_array("hello there")) for _ in range(20)]
        os.kill(engine.pid, signal.SIGKILL)
        assert [list(tokens) for tokens in await asyncio.gather(*asking)] == [before] * 20

    run(small_q8_0, check)


def test_a_suspended_process_is_replaced(small_q8_0: Path) -> None:
    async def check(engine: ProcessEngine) -> None:
        request = asked(1, max_tokens=200)
        expected = await text_of(engine, request)
        before, text = engine.pid, ""
        async for delta in engine.submit(request):
            if not text:
                os.kill(before, signal.SIGSTOP)
            text += delta.text
        assert text == expected[0]
        assert engine.pid != before

    run(small_q8_0, check)


def test_a_crash_loop_ends_it(small_q8_0: Path) -> None:
    async def check(engine: ProcessEngine) -> None:
        lost = asyncio.Event()
        engine.observe(lambda state: lost.set() if state is EngineState.LOST else None)
        waiting = asyncio.create_task(text_of(engine, asked(1, max_tokens=100_000)))
        while not lost.is_set():
            with contextlib.suppress(ProcessLookupError):  # it has ended, and that is not known yet
                if engine.pid:
                    os.kill(engine.pid, signal.SIGKILL)
            await asyncio.sleep(0.02)
        with pytest.raises(SentiricLlamaError):
            await waiting
        with pytest.raises(Unavailable, match="the engine process crashed 6 times"):
            engine.check_room()
        assert engine.failure is not None

    run(small_q8_0, check)


def test_closing_ends_what_runs(small_q8_0: Path) -> None:
    async def check(engine: ProcessEngine) -> None:
        streams = [
            asyncio.create_task(text_of(engine, asked(n, max_tokens=100_000))) for n in range(6)
        ]
        await asyncio.sleep(0.1)
        pid = engine.pid
        await engine.close()
        ends = await asyncio.gather(*streams, return_exceptions=True)
        assert {type(end) for end in ends} == {Cancelled}
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    run(small_q8_0, check)


def test_it_leaves_no_descriptor(small_q8_0: Path) -> None:
    def opened_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    async def main() -> None:
        async with opened(small_q8_0) as engine:
            await text_of(engine, asked(1))
            before = opened_files()
            for _ in range(5):
                os.kill(engine.pid, signal.SIGKILL)
                await text_of(engine, asked(2))
                forget_deaths(engine)
            assert opened_files() == before

    asyncio.run(main())


def test_the_process_ends_with_the_one_that_started_it(small_q8_0: Path, tmp_path: Path) -> None:
    """Even if that one is killed, and even while it is suspended itself."""
    script = f"""
import asyncio, sys, os, signal
sys.path.insert(0, {str(Path(__file__).parent)!r})
from sentiric_llama.engine.process import launch
from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.types import EngineConfig
async def main():
    engine = await ProcessEngine.open(EngineConfig({str(small_q8_0)!r}, contexts=1))
    print(engine.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    import subprocess
    import sys
    import time

    for stop in (False, True):
        child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        pid = int(child.stdout.readline())
        if stop:
            os.kill(pid, signal.SIGSTOP)
        child.kill()
        child.wait()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and Path(f"/proc/{pid}").exists():
            time.sleep(0.02)
        assert not Path(f"/proc/{pid}").exists()


def test_what_no_message_can_hold_is_refused(small_q8_0: Path) -> None:
    async def check(engine: ProcessEngine) -> None:
        for ask in (
            lambda: text_of(engine, Request(text="\ud800")),
            lambda: engine.tokenize_to_array("\ud800"),
        ):
            with pytest.raises(InvalidArgument, match="lone surrogates"):
                await ask()
        assert await text_of(engine, asked(1))

    run(small_q8_0, check)


def test_a_process_that_is_suspended_as_it_loads_is_replaced(small_q8_0: Path) -> None:
    async def check(engine: ProcessEngine) -> None:
        expected = await text_of(engine, asked(1))
        start, stopped = launch.EngineProcess, []

        class Stopped(start):  # type: ignore[valid-type, misc]
            def __init__(self) -> None:
                super().__init__()
                if not stopped:
                    stopped.append(self.pid)
                    asyncio.get_running_loop().call_later(0.02, os.kill, self.pid, signal.SIGSTOP)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sentiric_llama.engine.process.client.EngineProcess", Stopped)
            os.kill(engine.pid, signal.SIGKILL)
            with pytest.raises(DeadlineExceeded):
                await text_of(engine, asked(2, deadline_ms=100))
            assert await text_of(engine, asked(1)) == expected
        assert engine.pid not in stopped

    run(small_q8_0, check)


def test_a_restart_without_descriptors_is_tried_again(
    small_q8_0: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, failures = os.pipe, [OSError(24, "Too many open files")]

    def scarce() -> tuple[int, int]:
        if failures:
            raise failures.pop()
        return pipe()

    async def check(engine: ProcessEngine) -> None:
        expected = await text_of(engine, asked(1))
        before = len(os.listdir("/proc/self/fd"))
        monkeypatch.setattr(os, "pipe", scarce)
        os.kill(engine.pid, signal.SIGKILL)
        assert await text_of(engine, asked(1)) == expected
        assert not failures and len(os.listdir("/proc/self/fd")) == before

    run(small_q8_0, check)
