# SPDX-License-Identifier: AGPL-3.0-only
"""Requests that end the engine process, each at another place, among innocent ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama.engine.process import launch
from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.errors import InternalError, SentiricLlamaError
from sentiric_llama.types import EngineConfig, Grammar, Message, Request, SamplingParams

FAULTY = Path(__file__).parents[3] / "build/dev/tests/cpp/process/faulty-engine"
"""Built by `make test-native`."""
PLACES = ("tokenizer", "template", "grammar", "decode", "sampling")
KINDS = ("segv", "abort", "throw")
SAMPLING = SamplingParams(temperature=0.8, seed=1)


@pytest.fixture(autouse=True)
def _faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FAULTY.exists(), "make test-native builds it"
    monkeypatch.setattr(launch, "BINARY", FAULTY)


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncIterator[ProcessEngine]:
    fields = {"contexts": 4, "context_size": 512, "compute_threads": 1, "queue_limit": 64}
    engine = await ProcessEngine.open(EngineConfig(str(path), **fields), **options)
    try:
        yield engine
    finally:
        await engine.close()


def innocent(number: int) -> Request:
    sampling = replace(SAMPLING, seed=number)
    return Request(text=f"tale {number} ", sampling=sampling, max_tokens=40, ignore_eos=True)


def faulty(place: str, kind: str) -> Request:
    text = f"!fault:{place}:{kind}"
    if place == "template":
        return Request(messages=(Message("user", text),), sampling=SAMPLING, max_tokens=20)
    grammar = Grammar("gbnf", 'root ::= "a"') if place == "grammar" else None
    return Request(text=text, sampling=SAMPLING, max_tokens=20, grammar=grammar)


async def text_of(engine: ProcessEngine, request: Request) -> str:
    text, ends = "", 0
    async for delta in engine.submit(request):
        text += delta.text
        ends += delta.final is not None
    assert ends == 1
    return text


def deaths(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record for record in caplog.records if getattr(record, "event", "") == "ENGINE_DIED"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_a_request_that_ends_the_process_is_refused(
    small_q8_0: Path, place: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It dies twice of it; nobody else notices more than a pause."""

    async def main() -> None:
        async with opened(small_q8_0) as engine:
            quiet = [await text_of(engine, innocent(n)) for n in range(15)]
            streams = [asyncio.create_task(text_of(engine, innocent(n))) for n in range(15)]
            await asyncio.sleep(0.02)
            with pytest.raises(InternalError, match="ended twice while it worked on this request"):
                await text_of(engine, faulty(place, kind))
            assert await asyncio.gather(*streams) == quiet
            with pytest.raises(InternalError, match="it is refused for 10 minutes"):
                await text_of(engine, faulty(place, kind))
            assert len(deaths(caplog)) == 2
            assert engine.stats().requests_completed == 30

    asyncio.run(main())


def test_what_the_log_says(small_q8_0: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with opened(small_q8_0) as engine:
            for kind, cause in {"segv": "SIGSEGV", "throw": "SIGABRT"}.items():
                caplog.clear()
                with pytest.raises(InternalError):
                    await text_of(engine, faulty("sampling", kind))
                first, second = deaths(caplog)
                assert first.getMessage() == cause == second.getMessage()
                assert "a text of a prompt" not in caplog.text and "!fault" not in caplog.text

    asyncio.run(main())


def test_work_that_stands_still_is_ended(small_q8_0: Path) -> None:
    async def main() -> None:
        async with opened(small_q8_0, stall_s=1.0) as engine:
            quiet = await text_of(engine, innocent(1))
            stuck = asyncio.create_task(text_of(engine, faulty("sampling", "hang")))
            assert await text_of(engine, innocent(1)) == quiet
            with pytest.raises(InternalError, match="ended twice"):
                await stuck

    asyncio.run(main())


def test_a_call_that_ends_the_process_is_refused(small_q8_0: Path) -> None:
    async def main() -> None:
        async with opened(small_q8_0) as engine:
            stream = asyncio.create_task(text_of(engine, innocent(1)))
            with pytest.raises(InternalError, match="ended twice"):
                await engine.tokenize_to_array("!fault:tokenizer:segv")
            assert await stream == await text_of(engine, innocent(1))

    asyncio.run(main())


def test_a_model_that_ends_the_process_as_it_loads(small_q8_0: Path, tmp_path: Path) -> None:
    path = tmp_path / "!fault:load:segv.gguf"
    path.symlink_to(small_q8_0)

    async def main() -> None:
        with pytest.raises(SentiricLlamaError, match="ended while it loaded the model: SIGSEGV"):
            await ProcessEngine.open(EngineConfig(str(path)))

    asyncio.run(main())
