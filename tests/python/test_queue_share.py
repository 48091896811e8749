# SPDX-License-Identifier: AGPL-3.0-only
"""One of several keys cannot take every place of the queue."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from sentiric_llama.access.caller import CURRENT_CALLER, Caller
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import Overloaded
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.queue_share import QueueShare
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import Message

ONE, TWO = (Caller(owner=name, is_apart=True) for name in ("one", "two"))


def held(queue: QueueShare, caller: Caller, count: int, stack: contextlib.ExitStack) -> int:
    """How many of so many single requests were taken: 4 contexts, 4 may wait."""
    taken = 0
    for _ in range(count):
        with contextlib.suppress(Overloaded):
            stack.enter_context(queue.hold(caller, 1, contexts=4, queue_limit=4))
            taken += 1
    return taken


def test_three_quarters_for_one_key() -> None:
    queue = QueueShare()
    with contextlib.ExitStack() as stack:
        assert held(queue, ONE, 20, stack) == 6
        assert held(queue, TWO, 20, stack) == 6
    with contextlib.ExitStack() as stack:
        assert held(queue, ONE, 20, stack) == 6  # all were given back


def test_who_is_alone_has_all() -> None:
    with contextlib.ExitStack() as stack:
        assert held(QueueShare(), Caller(owner="only"), 20, stack) == 20


def test_many_choices_at_once_are_judged_by_the_engine() -> None:
    queue = QueueShare()
    with (
        queue.hold(ONE, 50, contexts=4, queue_limit=4),
        pytest.raises(Overloaded, match="got 51, allowed 6"),
        queue.hold(ONE, 1, contexts=4, queue_limit=4),
    ):
        raise AssertionError("not reached")


def test_a_refusal_says_when_half_of_the_share_is_served() -> None:
    with contextlib.ExitStack() as stack:
        held(queue := QueueShare(), ONE, 6, stack)
        with pytest.raises(Overloaded) as caught, queue.hold(ONE, 1, 4, 4, hold_ms=2000.0):
            raise AssertionError("not reached")
        assert caught.value.retry_ms == 500  # one of the two that wait, with four contexts


def test_a_key_that_asks_again_and_again_leaves_room() -> None:
    async def main() -> None:
        service = LlamaService(Settings(queue_limit=6))
        engine = FakeEngine(contexts=2, queue_limit=6, delay_s=60)
        service.attach(engine, ServedModel("fake"))
        call = ChatCall(messages=[Message("user", "x")])
        refused = 0

        async def ask(caller: Caller) -> None:
            nonlocal refused
            CURRENT_CALLER.set(caller)
            try:
                await service.chat(call)
            except Overloaded:
                refused += 1

        tasks = [asyncio.create_task(ask(ONE)) for _ in range(40)]
        while refused < 34 or len(engine.requests) < 2:
            await asyncio.sleep(0.01)
        tasks.append(asyncio.create_task(ask(TWO)))
        await asyncio.sleep(0.05)
        assert refused == 34 and service.in_flight == 7
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert service.in_flight == 0

    asyncio.run(main())
