# SPDX-License-Identifier: AGPL-3.0-only
"""Signals from outside, again and again, at random moments of fifteen streams that run and wait."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from process_tools import (
    EACH,
    KILLS,
    VARIETY,
    Answer,
    Pauses,
    forget_deaths,
    held,
    held_as,
    opened,
    texts_of,
)
from sentiric_llama.engine.process.engine import ProcessEngine

ROUNDS = {
    signal.SIGKILL: max(10, KILLS),
    signal.SIGSEGV: max(10, EACH),
    signal.SIGABRT: max(10, EACH),
    signal.SIGSTOP: max(2, EACH),  # each takes the seconds until it is noticed
}
MOMENTS_S = 0.3
"""A quiet run takes a little longer."""


@pytest.mark.parametrize("number", ROUNDS, ids=lambda number: number.name)
def test_streams_survive_a_signal_from_outside(
    small_q8_0: Path,
    adapters: Path,
    expected: list[Answer],
    number: signal.Signals,
    record_property: Callable[[str, object], None],
) -> None:
    """Nothing is lost, nothing is said twice, and nothing is left of the dead processes."""
    rounds = ROUNDS[number]

    async def main() -> None:
        async with opened(small_q8_0, adapters=adapters, queue_limit=64) as engine:
            pauses, chance = Pauses(engine), random.Random(number)
            await kill_among_streams(engine, number, chance, expected, pauses)
            before, server = held(), os.getpid()
            for _ in range(rounds - 1):
                await kill_among_streams(engine, number, chance, expected, pauses)
            assert held_as(before) and os.getpid() == server
            stats = engine.stats()
            assert stats.requests_completed == rounds * len(VARIETY) == stats.requests_submitted
            assert stats.requests_failed == stats.requests_cancelled == stats.requests_rejected == 0
            assert len(pauses.seconds) == rounds
            record_property("pauses", (number.name, pauses.seconds))

    asyncio.run(main())


async def kill_among_streams(
    engine: ProcessEngine,
    number: signal.Signals,
    chance: random.Random,
    expected: list[Answer],
    pauses: Pauses,
) -> None:
    before, seen = engine.pid, len(pauses.seconds)
    streams = asyncio.create_task(texts_of(engine))
    await asyncio.sleep(chance.random() * MOMENTS_S)
    pauses.begin()
    os.kill(before, number)
    assert await streams == expected
    # They may have ended before the signal came, or before the next process has served its turn.
    while len(pauses.seconds) == seen:
        await engine.tokenize_to_array("Are you there?")
    forget_deaths(engine)
