# SPDX-License-Identifier: AGPL-3.0-only
"""Callers who know what crashes the engine stop neither it nor the server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sentiric_llama.engine.process import launch
from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.errors import InternalError, Unavailable
from sentiric_llama.types import EngineConfig, Request, SamplingParams

FAULTY = Path(__file__).parents[3] / "build/dev/tests/cpp/process/faulty-engine"
REFUSED = "ended twice while it worked on this request"


@pytest.fixture(autouse=True)
def _faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FAULTY.exists(), "make test-native builds it"
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
        assert engine.process.restarts == 16 and engine.process.refused == 8
        await engine.close()

    asyncio.run(main())


def test_nobody_is_served_between_crashes(small_q8_0: Path) -> None:
    """Then the engine may be to blame, and the server ends."""

    async def main() -> None:
        engine = await opened(small_q8_0)
        with pytest.raises(Unavailable, match="it died 6 times within a minute"):
            for number in range(8):
                with pytest.raises(InternalError, match=REFUSED):
                    await text_of(engine, f"{number} !fault:sampling:abort")
        await engine.close()

    asyncio.run(main())


def test_a_call_that_ended_two_processes_is_refused_at_once(small_q8_0: Path) -> None:
    async def main() -> None:
        engine = await opened(small_q8_0)
        for _ in range(2):
            with pytest.raises(InternalError, match=REFUSED):
                await engine.tokenize_to_array("!fault:tokenizer:segv")
        assert list(await engine.tokenize_to_array("tale"))
        assert engine.process.restarts == 2 and engine.process.refused == 1
        await engine.close()

    asyncio.run(main())
