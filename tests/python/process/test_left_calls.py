# SPDX-License-Identifier: AGPL-3.0-only
"""Embeddings that nobody waits for any more stop before the next input, in both engines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import models
from process_tools import opened
from sentiric_llama.engine.aio import AsyncEngine

INPUTS = [[token] * 64 for token in range(10, 1510)]
LATER = 40


async def leave_and_go_on(engine: Any) -> None:
    """Inputs of the call that is left and of later ones are computed in turn, so if it went on it
    would count about as many as they do.
    """
    work = asyncio.create_task(engine.embed((), INPUTS))
    while engine.stats().embedded_inputs < 3:
        await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await engine.embed(["one more"])  # behind what is being computed
    before = engine.stats().embedded_inputs
    for _ in range(LATER):
        await engine.embed(["one more"])
    assert before < len(INPUTS)
    assert engine.stats().embedded_inputs <= before + LATER + 1


def test_a_call_of_an_engine_process() -> None:
    async def main() -> None:
        async with opened(models.model("bert-f16"), context_size=512) as engine:
            await leave_and_go_on(engine)
            assert (await engine.embed((), INPUTS[:2])).shape == (2, 64)

    asyncio.run(main())


def test_a_call_of_an_engine_in_this_process() -> None:
    async def main() -> None:
        path = str(models.model("bert-f16"))
        async with await AsyncEngine.open(path, contexts=1, context_size=512) as engine:
            await leave_and_go_on(engine)

    asyncio.run(main())


def test_a_whole_call_counts_each_input() -> None:
    async def main() -> None:
        async with opened(models.model("bert-f16"), context_size=512) as engine:
            rows = await engine.embed(("a", "b"), INPUTS[:3])
            assert rows.shape == (5, 64) and engine.stats().embedded_inputs == 5

    asyncio.run(main())
