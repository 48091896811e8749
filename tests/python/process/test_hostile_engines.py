# SPDX-License-Identifier: AGPL-3.0-only
"""An engine process that somebody has taken over cannot harm the one that serves.

Its messages are put where they arrive.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from process_tools import GREEDY, asked
from sentiric_llama.engine import messages as m
from sentiric_llama.engine.process.client import MAX_LINES, EngineClient
from sentiric_llama.engine.process.connection import MAX_STEP, STEP
from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.engine.process.flight_page import FlightPage
from sentiric_llama.engine.process.live_request import SLACK, TOKEN_BYTES
from sentiric_llama.engine.protocol import EngineState
from sentiric_llama.engine.stream import WINDOW
from sentiric_llama.errors import DeadlineExceeded, Unavailable
from sentiric_llama.types import (
    Delta,
    EngineConfig,
    Final,
    Request,
    Timings,
    TruncationReport,
)
from sentiric_llama.types.result import Usage

LONG = Request(text="tale ", sampling=GREEDY, max_tokens=400, ignore_eos=True)


async def opened(path: Path, **fields: Any) -> ProcessEngine:
    sizes = {"contexts": 4, "context_size": 512, "compute_threads": 1}
    return await ProcessEngine.open(EngineConfig(str(path), **sizes, **fields))


async def text_of(engine: ProcessEngine, request: Request) -> str:
    async with engine.submit(request) as deltas:
        return "".join([delta.text async for delta in deltas])


def client_of(engine: ProcessEngine) -> EngineClient:
    client = engine._supervisor.client
    assert client is not None
    return client


Attack = Callable[[EngineClient, int], None]


def _step(*deltas: tuple[int, Delta]) -> m.Step:
    return m.Step(deltas, ())


def _endless_text(client: EngineClient, stream: int) -> None:
    for _ in range(3 * SLACK):
        client._on_message(_step((stream, Delta("y" * TOKEN_BYTES))))


def _endless_nothing(client: EngineClient, stream: int) -> None:
    for _ in range(3 * SLACK):
        client._on_message(_step((stream, Delta())))


def _tokens_without_credit(client: EngineClient, stream: int) -> None:
    for _ in range(10):
        client._on_message(_step((stream, Delta("y", (1,) * WINDOW))))


def _no_token(client: EngineClient, stream: int) -> None:
    client._on_message(_step((stream, Delta("y", (2**40,)))))


def _unknown_error(client: EngineClient, stream: int) -> None:
    failures = ((stream, m.Failure("nonsense", "x", "y")),)
    client._on_message(m.Step((), failures))


def _nonsense(client: EngineClient, stream: int) -> None:
    client._connection.data_received(struct.pack("<II", 3, STEP) + b"[1,")


def _huge_frame(client: EngineClient, stream: int) -> None:
    client._connection.data_received(struct.pack("<II", 2**32 - 1, STEP))


def _huge_step(client: EngineClient, stream: int) -> None:
    client._connection.data_received(struct.pack("<II", MAX_STEP + 1, STEP))


def _answer_as_a_step(client: EngineClient, stream: int) -> None:
    data = m.encode_message(m.Answer(1))
    client._connection.data_received(struct.pack("<II", len(data), STEP) + data)


def _stream_of_nobody(client: EngineClient, stream: int) -> None:
    client._on_message(_step((10_000, Delta("y"))))


def _impossible_time(client: EngineClient, stream: int) -> None:
    final = Final("stop", Usage(), Timings(ttft_ms=float("nan")))
    client._on_message(_step((stream, Delta(final=final))))


def _negative_count(client: EngineClient, stream: int) -> None:
    client._on_message(_step((stream, Delta(truncation=TruncationReport(dropped_tokens=-1)))))


def _endless_wait(client: EngineClient, stream: int) -> None:
    failures = ((stream, m.Failure("overloaded", "x", "y", retry_ms=-(10**12))),)
    client._on_message(m.Step((), failures))


@pytest.mark.parametrize(
    "attack",
    [
        *(_endless_text, _endless_nothing, _tokens_without_credit, _no_token, _nonsense),
        *(_huge_frame, _huge_step, _answer_as_a_step, _stream_of_nobody, _impossible_time),
        *(_negative_count, _endless_wait),
    ],
)
def test_what_it_must_not_send_ends_it(
    small_q8_0: Path, attack: Attack, caplog: pytest.LogCaptureFixture
) -> None:
    """The other stream does not notice, and the log does not say that somebody killed it."""

    async def main() -> None:
        engine = await opened(small_q8_0)
        quiet = await text_of(engine, asked(1))
        victim = engine.submit(LONG)
        async with victim:
            other = asyncio.create_task(text_of(engine, asked(1)))
            await anext(victim)
            number = next(iter(engine._supervisor.live))
            attack(client_of(engine), number)
            assert len(victim._buffer.items) < 4 * SLACK
            assert await other == quiet
        assert engine.process.restarts == 1
        await engine.close()

    asyncio.run(main())
    (death,) = [each for each in caplog.records if getattr(each, "event", "") == "ENGINE_DIED"]
    assert death.getMessage().startswith("it sent ")


def test_an_error_that_nobody_knows_is_an_internal_one(small_q8_0: Path) -> None:
    async def main() -> None:
        engine = await opened(small_q8_0)
        async with engine.submit(LONG) as victim:
            await anext(victim)
            _unknown_error(client_of(engine), next(iter(engine._supervisor.live)))
            with pytest.raises(Exception, match="y") as caught:
                async for _ in victim:
                    pass
            assert type(caught.value).__name__ == "InternalError"
        assert engine.process.restarts == 0
        await engine.close()

    asyncio.run(main())


def test_nobody_cuts_the_shared_page() -> None:
    """Reading what is not there would be SIGBUS."""
    page = FlightPage()
    size = os.fstat(page.fd).st_size
    for other in (0, size - 1, size + 1):
        with pytest.raises(PermissionError):
            os.ftruncate(page.fd, other)
    os.pwrite(page.fd, b"\xff" * size, 0)
    assert all(value == value for value in vars_of(page)), "no NaN"
    page.close()


def vars_of(page: FlightPage) -> list[float]:
    stats = page.stats()
    return [getattr(stats, name) for name in stats.__slots__]


def test_it_cannot_flood_the_log(small_q8_0: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        engine = await opened(small_q8_0)
        caplog.clear()
        log = client_of(engine)._log
        for _ in range(20 * MAX_LINES):
            log._take("W q")
        await engine.close()

    asyncio.run(main())
    taken = len([each for each in caplog.records if each.getMessage() == "q"])
    assert MAX_LINES / 2 < taken < 4 * MAX_LINES  # some lines of its start come before


def test_another_model_does_not_continue_a_text(small_q8_0: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(small_q8_0, tmp_path / "model.gguf"))

    async def main() -> None:
        engine = await opened(path)
        running = asyncio.create_task(text_of(engine, LONG))
        while not engine.capacity.active:
            await asyncio.sleep(0.001)
        Path(shutil.copy(small_q8_0, tmp_path / "other.gguf")).rename(path)
        os.kill(engine.pid, signal.SIGKILL)
        with pytest.raises(Unavailable, match="its file has changed since it was loaded"):
            await running
        assert engine.state is EngineState.LOST
        await engine.close()

    asyncio.run(main())


def test_deadlines_pass_while_a_restart_waits(small_q8_0: Path) -> None:
    async def main() -> None:
        engine = await opened(small_q8_0)
        deaths = engine._supervisor._deaths
        deaths.times = [asyncio.get_running_loop().time()] * 4  # two seconds to the next start
        os.kill(engine.pid, signal.SIGKILL)
        with pytest.raises(DeadlineExceeded):
            await text_of(engine, asked(1, deadline_ms=200))
        assert engine.process.restarts == 0
        await engine.close()

    asyncio.run(main())


def test_deadlines_pass_though_the_engine_does_not_notice(small_q8_0: Path) -> None:
    async def main() -> None:
        config = EngineConfig(str(small_q8_0), contexts=4, context_size=512, compute_threads=1)
        engine = await ProcessEngine.open(config, stall_s=0)  # hangs are not looked for
        quiet = await text_of(engine, asked(1))
        os.kill(engine.pid, signal.SIGSTOP)
        with pytest.raises(DeadlineExceeded):
            await text_of(engine, asked(1, deadline_ms=300))
        assert not engine._supervisor.live
        os.kill(engine.pid, signal.SIGCONT)
        assert await text_of(engine, asked(1)) == quiet
        assert engine.process.restarts == 0
        await engine.close()

    asyncio.run(main())
