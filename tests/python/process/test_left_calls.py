# SPDX-License-Identifier: AGPL-3.0-only
"""Embeddings that nobody waits for any more stop before the next input, in both engines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import models
from process_tools import opened
from sentiric_llama.engine.aio import AsyncEngine
from sentiric_llama.errors import InvalidArgument

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


async def refuse_what_is_no_text(engine: Any) -> None:
    """A text alone is one text, not its characters."""
    one = await engine.embed("one text")
    assert one.shape == (1, 64) and (one == await engine.embed(["one text"])).all()
    assert (await engine.embed([])).shape == (0, 64)
    for given, where in (
        ((5,), "texts"),
        ((["a", 5],), "texts.1"),
        ((b"ab",), "texts"),
        (((), [["a"]]), "prompts"),
        (((), [2**40]), "prompts"),
        (((), [[2**40]]), "prompts"),
    ):
        with pytest.raises(InvalidArgument) as caught:
            await engine.embed(*given)
        assert caught.value.where == where, given


def test_what_is_embedded_is_checked_in_both_modes() -> None:
    async def main() -> None:
        path = models.model("bert-f16")
        async with opened(path, context_size=512) as engine:
            await refuse_what_is_no_text(engine)
        async with await AsyncEngine.open(str(path), contexts=1, context_size=512) as engine:
            await refuse_what_is_no_text(engine)

    asyncio.run(main())


def test_a_whole_call_counts_each_input() -> None:
    async def main() -> None:
        async with opened(models.model("bert-f16"), context_size=512) as engine:
            rows = await engine.embed(("a", "b"), INPUTS[:3])
            assert rows.shape == (5, 64) and engine.stats().embedded_inputs == 5

    asyncio.run(main())
