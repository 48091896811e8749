# SPDX-License-Identifier: AGPL-3.0-only
"""Requests that end the engine process, each at another place, among innocent ones."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import native_programs
from process_tools import (
    EACH,
    FAULTY,
    VARIETY,
    Answer,
    Pauses,
    asked,
    forget_deaths,
    held,
    held_as,
    opened,
    text_of,
)
from sentiric_llama.engine.process import launch
from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.errors import InternalError, SentiricLlamaError
from sentiric_llama.types import EngineConfig, Grammar, Message, Request, SamplingParams

OF_REQUESTS = ("adapter", "tokenizer", "template", "grammar", "prefill", "decode", "sampling")
PLACES = (*OF_REQUESTS, "embedding")
OF_BATCHES = ("prefill", "decode")
"""Places where the process works on several requests at once."""
RECORDED = {"prefill": "decode", "embedding": "evaluate"}
"""What the flight page calls the others."""
KINDS = ("segv", "abort", "throw")
ROUNDS = max(1, -(-EACH // len(KINDS)))
"""Of each kind at each place."""
SAMPLING = SamplingParams(temperature=0.8, seed=1)


@pytest.fixture(autouse=True)
def _faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    native_programs.built("process/faulty-engine")
    monkeypatch.setattr(launch, "BINARY", FAULTY)


def faulty(place: str, kind: str, number: int = 0) -> Request:
    text = f"!fault:{place}:{kind} {number}"
    if place == "template":
        return Request(messages=(Message("user", text),), sampling=SAMPLING, max_tokens=20)
    grammar = Grammar("gbnf", 'root ::= "a"') if place == "grammar" else None
    used = (("poems", 1.0),) if place == "adapter" else ()
    return Request(
        text=text,
        sampling=SAMPLING,
        max_tokens=20,
        ignore_eos=grammar is None,
        grammar=grammar,
        adapters=used,
    )


async def ask_faulty(engine: ProcessEngine, place: str, kind: str, number: int) -> None:
    if place == "embedding":
        await engine.embed([f"!fault:{place}:{kind} {number}"])
    else:
        await text_of(engine, faulty(place, kind, number))


def deaths(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record for record in caplog.records if getattr(record, "event", "") == "ENGINE_DIED"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_a_request_that_ends_the_process_is_refused(
    small_q8_0: Path,
    adapters: Path,
    expected: list[Answer],
    place: str,
    kind: str,
    caplog: pytest.LogCaptureFixture,
    record_property: Callable[[str, object], None],
) -> None:
    """The process dies of it twice; of the fifteen others, nobody notices more than a pause."""

    async def among_innocents(engine: ProcessEngine, number: int, position: int) -> None:
        caplog.clear()
        asking: list[Any] = [text_of(engine, each) for each in VARIETY]
        asking.insert(position, ask_faulty(engine, place, kind, number))
        answers = await asyncio.gather(*asking, return_exceptions=True)
        error = answers.pop(position)
        assert isinstance(error, InternalError), error
        assert "crashed twice while it worked on this request" in str(error)
        assert answers == expected
        with pytest.raises(InternalError, match="it is rejected for 10 minutes"):
            await ask_faulty(engine, place, kind, number)
        first, second = deaths(caplog)
        if kind != "throw":  # which is on a thread that works for any of them
            places = {death.attributes["place"] for death in (first, second)}
            assert places == {RECORDED.get(place, place)}
            assert second.attributes["suspects"] == 1
            assert first.attributes["suspects"] == 1 or place in OF_BATCHES
        forget_deaths(engine)

    async def main() -> None:
        async with opened(small_q8_0, adapters=adapters, queue_limit=64) as engine:
            pauses, chance = Pauses(engine), random.Random(f"{place} {kind}")
            await among_innocents(engine, 0, 2)
            before = held()
            for number in range(1, ROUNDS):
                await among_innocents(engine, number, chance.randrange(len(VARIETY) + 1))
            assert held_as(before), (held(), before)
            stats, failed = engine.stats(), ROUNDS * (place in OF_REQUESTS)
            assert stats.requests_failed == failed
            assert stats.requests_completed == stats.requests_submitted
            assert stats.requests_completed == ROUNDS * len(VARIETY) + failed
            record_property("pauses", (f"{place}, twice", pauses.seconds))

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
            quiet = await text_of(engine, asked(1))
            stuck = asyncio.create_task(text_of(engine, faulty("sampling", "hang")))
            assert await text_of(engine, asked(1)) == quiet
            with pytest.raises(InternalError, match="crashed twice"):
                await stuck

    asyncio.run(main())


def test_a_call_that_ends_the_process_is_refused(small_q8_0: Path) -> None:
    async def main() -> None:
        async with opened(small_q8_0) as engine:
            stream = asyncio.create_task(text_of(engine, asked(1)))
            with pytest.raises(InternalError, match="crashed twice"):
                await engine.tokenize_to_array("!fault:tokenizer:segv")
            assert await stream == await text_of(engine, asked(1))

    asyncio.run(main())


def test_a_model_that_ends_the_process_as_it_loads(small_q8_0: Path, tmp_path: Path) -> None:
    path = tmp_path / "!fault:load:segv.gguf"
    path.symlink_to(small_q8_0)

    async def main() -> None:
        with pytest.raises(SentiricLlamaError, match="ended while it loaded the model: SIGSEGV"):
            await ProcessEngine.open(EngineConfig(str(path)))

    asyncio.run(main())
