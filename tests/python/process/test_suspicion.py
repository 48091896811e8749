# SPDX-License-Identifier: AGPL-3.0-only
"""Who is suspected of a death, for how long, and what a culprit is remembered by."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import native_programs
from process_tools import FAULTY, Answer, asked, forget_deaths, opened, text_of, texts_of
from sentiric_llama.engine.process import launch
from sentiric_llama.engine.process.death import Death
from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.engine.process.live_request import LiveRequest
from sentiric_llama.engine.process.quarantine import KEPT_S, MOST, Quarantine
from sentiric_llama.errors import InternalError
from sentiric_llama.types import Message, Request, SamplingParams

LONG = {"max_tokens": 150}


@pytest.fixture
def _faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    native_programs.built("process/faulty-engine")
    monkeypatch.setattr(launch, "BINARY", FAULTY)


class Docket:
    """What each live request is suspected of after each death, and when all goes on."""

    def __init__(self, engine: ProcessEngine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.deaths: list[Death] = []
        self.suspicions: list[dict[int, int]] = []
        self.while_running: list[int] = []
        supervisor = engine._supervisor
        judge = supervisor._judge

        def judged(death: Death) -> None:
            judge(death)
            self.deaths.append(death)
            self.suspicions.append(counts())

        def counts() -> dict[int, int]:
            return {n: live.blame.alone + live.blame.among for n, live in supervisor.live.items()}

        monkeypatch.setattr(supervisor, "_judge", judged)
        engine.observe(
            lambda state: self.while_running.extend(counts().values() if state == "running" else ())
        )


@pytest.mark.usefixtures("_faulty")
def test_neighbours_are_suspected_for_one_restart(
    small_q8_0: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that came before the culprit and those that came after it."""
    neighbours = [asked(n, **LONG) for n in range(3)]

    async def crash(engine: ProcessEngine, quiet: list[Answer], number: int) -> bool:
        """True if all four were in the batch."""
        docket = Docket(engine, monkeypatch)
        # Computed in more steps than the others, so that they are there when it fails.
        culprit = asked(9, text=f"!fault:decode:segv {number} " + "on and on " * 80)
        asking = (*neighbours[:2], culprit, neighbours[2])
        tasks = [asyncio.create_task(text_of(engine, each)) for each in asking]
        *before, error, after = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(error, InternalError)
        assert [*before, after] == quiet
        first, second = docket.deaths
        assert len(second.suspects) == 1
        assert set(docket.suspicions[0].values()) <= {0, 1}
        assert list(docket.suspicions[1].values()) == [0, 0, 0], "the culprit is found"
        assert docket.while_running == [0, 0, 0]
        forget_deaths(engine)
        return len(first.suspects) == 4

    async def main() -> None:
        async with opened(small_q8_0, context_size=512) as engine:
            quiet = await texts_of(engine, neighbours)
            for number in range(10):
                if await crash(engine, quiet, number):
                    return
            raise AssertionError("they never were in the batch together")

    asyncio.run(main())


@pytest.mark.usefixtures("_faulty")
def test_neighbours_of_a_kill_from_outside_are_not_suspected(
    small_q8_0: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when memory runs out three times for the same request."""
    neighbours = [asked(n, **LONG) for n in range(3)]

    async def main() -> None:
        async with opened(small_q8_0) as engine:
            quiet = await texts_of(engine, neighbours)
            docket = Docket(engine, monkeypatch)
            streams = asyncio.create_task(texts_of(engine, neighbours))
            await asyncio.sleep(0.02)
            with pytest.raises(InternalError, match="rejected"):
                await text_of(engine, asked(9, text="!fault:sampling:kill"))
            assert await streams == quiet
            assert [death.cause for death in docket.deaths] == ["SIGKILL from outside"] * 3
            assert not any(death.suspects for death in docket.deaths)
            assert {count for counts in docket.suspicions for count in counts.values()} == {0}

    asyncio.run(main())


@pytest.mark.usefixtures("_faulty")
def test_a_culprit_is_known_again(small_q8_0: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By what it asks, whoever asks and with whatever seed; others with the same words are not."""
    culprit = asked(1, text="!fault:sampling:abort", tenant="a")
    same = replace(culprit, sampling=replace(culprit.sampling, seed=2), tenant="b", cache_scope="c")

    def num_deaths() -> int:
        return sum(getattr(record, "event", "") == "ENGINE_DIED" for record in caplog.records)

    async def main() -> None:
        async with opened(small_q8_0) as engine:
            with pytest.raises(InternalError):
                await text_of(engine, culprit)
            assert num_deaths() == 2
            for again in (culprit, same, replace(same, deadline_ms=60_000)):
                with pytest.raises(InternalError, match="rejected for 10 minutes"):
                    await text_of(engine, again)
            assert num_deaths() == 2
            assert await text_of(engine, asked(1)) == await text_of(engine, asked(1, tenant="a"))
            forget_deaths(engine)
            with pytest.raises(InternalError):
                await text_of(engine, replace(culprit, text="!fault:sampling:abort again"))
            assert num_deaths() == 4
            stats = engine.stats()
            assert stats.requests_completed == stats.requests_submitted == 4
            assert stats.requests_failed == 2

    asyncio.run(main())


@pytest.mark.usefixtures("_faulty")
def test_a_question_is_known_again(small_q8_0: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with opened(small_q8_0) as engine:
            for _ in range(4):
                with pytest.raises(InternalError, match="rejected for 10 minutes"):
                    await engine.embed(["!fault:embedding:segv"])
                with pytest.raises(InternalError, match="rejected for 10 minutes"):
                    await engine.tokenize_to_array("!fault:tokenizer:segv")
            assert len(await engine.embed(["good day"])) == 1
            deaths = [r for r in caplog.records if getattr(r, "event", "") == "ENGINE_DIED"]
            assert len(deaths) == 4

    asyncio.run(main())


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def live(**fields: Any) -> LiveRequest:
    return LiveRequest(1, Request(**fields), lambda _item: None)


def test_the_quarantine_forgets_after_ten_minutes() -> None:
    clock = Clock()
    quarantine = Quarantine(clock)
    bad = live(text="bad")
    quarantine.add(bad)
    clock.now += KEPT_S - 1
    with pytest.raises(InternalError):
        quarantine.check(bad)
    clock.now += 1
    quarantine.check(bad)
    assert KEPT_S == 600 and len(quarantine) == 0


def test_the_quarantine_is_bounded() -> None:
    quarantine = Quarantine(Clock())
    bad = [live(text=f"bad {number}") for number in range(MOST + 10)]
    for each in bad[:MOST]:
        quarantine.add(each)
    quarantine.add(bad[0])  # again: the newest now
    for each in bad[MOST:]:
        quarantine.add(each)
    assert len(quarantine) == MOST
    for each in (bad[0], bad[-1]):
        with pytest.raises(InternalError):
            quarantine.check(each)
    for each in bad[1:11]:
        quarantine.check(each)  # the oldest were forgotten


@pytest.mark.parametrize(
    "other",
    [
        {"text": "bad "},
        {"text": "bad", "max_tokens": 7},
        {"text": "bad", "sampling": SamplingParams(temperature=0.5)},
        {"text": "bad", "adapters": (("poems", 1.0),)},
        {"messages": (Message("user", "bad"),)},
    ],
)
def test_the_quarantine_tells_other_content(other: dict[str, Any]) -> None:
    quarantine = Quarantine()
    quarantine.add(live(text="bad"))
    quarantine.check(live(**other))
