# SPDX-License-Identifier: AGPL-3.0-only
"""Embeddings of several keys: whose turn it is, what is left, and what the books show of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from sentiric_llama.access.caller import CURRENT_CALLER, Caller
from sentiric_llama.access.limits import KeyLimits, LimitReached
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.engine.protocol import FloatArray
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.prompt.embed_call import PORTION_INPUTS, EmbedCall
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings

BUSY = Caller(owner="busy", is_apart=True, limits=KeyLimits(concurrency=3))
OTHER = Caller(owner="other", is_apart=True)
MANY = [[5] * 127] * 2048
ONE = [[7]]


class Gated(FakeEngine):
    """Embeds one portion for each permit, also for a task that was cancelled meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.permits = asyncio.Semaphore(0)
        self.portions: list[int] = []
        self.most = self.working = 0

    async def embed(
        self, texts: str | Sequence[str], prompts: Sequence[Sequence[int]] = ()
    ) -> FloatArray:
        self.portions.append(prompts[0][0])
        self.working += 1
        self.most = max(self.most, self.working)
        computed = asyncio.ensure_future(self.permits.acquire())
        try:
            await asyncio.shield(computed)
        except asyncio.CancelledError:
            await computed
            raise
        finally:
            self.working -= 1
        return await super().embed(texts, prompts)


def opened() -> tuple[LlamaService, Gated]:
    service, engine = LlamaService(Settings()), Gated()
    service.attach(engine, ServedModel("m"))
    return service, engine


def ask(service: LlamaService, caller: Caller, inputs: Any) -> asyncio.Task[Any]:
    async def embed() -> Any:
        CURRENT_CALLER.set(caller)
        return await service.embed_prompts(EmbedCall(inputs))

    return asyncio.create_task(embed())


async def settled() -> None:
    """Everything that can go on without a permit has done so."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_the_turns_are_those_of_the_keys() -> None:
    async def main() -> None:
        service, engine = opened()
        busy = [ask(service, BUSY, MANY) for _ in range(3)]
        await settled()
        other = ask(service, OTHER, ONE)
        for _ in range(2):
            engine.permits.release()
            await settled()
        assert other.done(), "behind one portion of the other key"
        assert engine.portions[:2] == [5, 7] and engine.most == 1
        for task in busy:
            task.cancel()
        for _ in range(4):
            engine.permits.release()
        await asyncio.wait(busy)

    asyncio.run(main())


def test_what_is_left_stops_behind_its_portion_and_shows_until_then() -> None:
    async def main() -> None:
        service, engine = opened()
        busy = [ask(service, BUSY, MANY) for _ in range(3)]
        await settled()
        for task in busy:
            task.cancel()
        other = ask(service, OTHER, ONE)
        await settled()
        running = [call.caller.owner for call in service.request_metrics.running.values()]
        assert running == ["busy", "other"] and engine.working == 1
        assert engine.portions == [5], "its turn is taken while it is computed"
        engine.permits.release()
        engine.permits.release()
        assert (await other).rows.shape[0] == 1
        assert engine.portions == [5, 7] and not service.request_metrics.running
        assert all(task.cancelled() for task in busy)

    asyncio.run(main())


def test_they_count_for_the_concurrency_of_a_key_until_their_work_ends() -> None:
    async def main() -> None:
        service, engine = opened()
        busy = [ask(service, BUSY, MANY) for _ in range(3)]
        await settled()
        with pytest.raises(LimitReached, match="got 4 calls"):
            await ask(service, BUSY, ONE)
        busy[0].cancel()  # the one whose portion is computed
        await settled()
        with pytest.raises(LimitReached, match="got 4 calls"):
            await ask(service, BUSY, ONE)
        for task in busy:
            task.cancel()
        engine.permits.release()
        await asyncio.wait(busy)
        engine.permits.release()
        assert (await ask(service, BUSY, ONE)).num_tokens == 1

    asyncio.run(main())


def test_both_ways_to_ask_take_the_same_turns() -> None:
    async def main() -> None:
        service, engine = opened()
        work = asyncio.create_task(service.embed(["a"] * (PORTION_INPUTS + 1)))
        engine.permits.release()
        engine.permits.release()
        rows, model = await work
        assert rows.shape[0] == PORTION_INPUTS + 1 and model == "m"
        assert len(engine.portions) == 2

    asyncio.run(main())
