# SPDX-License-Identifier: AGPL-3.0-only
"""One of several keys cannot take every place of the queue."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from sentiric_llama.access.caller import CURRENT_CALLER, Caller
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import InvalidArgument, Overloaded, SentiricLlamaError
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.prompt import tool_schemas
from sentiric_llama.service.queue_share import QueueShare
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import Delta, Message, Request, Tool
from sentiric_llama.types.wishes import Wishes

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


def many(count: int) -> ChatCall:
    return ChatCall(prompts=tuple(f"prompt {number}" for number in range(count)))


def served(engine: FakeEngine, **settings: Any) -> LlamaService:
    service = LlamaService(Settings(**settings))
    service.attach(engine, ServedModel("m"))
    return service


def test_a_call_with_more_prompts_than_the_queue_has_places_is_answered() -> None:
    async def main() -> None:
        engine = FakeEngine(contexts=2, queue_limit=3)
        service = served(engine, queue_limit=3)
        result = await service.chat(many(60))
        expected = [f"You said: prompt {number}" for number in range(60)]
        assert [choice.text for choice in result.choices] == expected
        assert [request.text for request in engine.requests] == list(many(60).prompts)

    asyncio.run(main())


def test_many_prompts_leave_places_to_others() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        engine = GatedEngine(gate, contexts=2)
        service = served(engine)
        asked = asyncio.ensure_future(service.chat(many(100)))
        while len(engine.requests) < 4:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(engine.requests) == 4, "two for each context"
        gate.set()
        assert len((await asked).choices) == 100

    asyncio.run(main())


def test_a_call_whose_next_prompt_finds_the_queue_full_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Overloaded, "wait_ms", 1)

    async def main() -> None:
        engine = FullLater(contexts=1)
        service = served(engine)
        result = await service.chat(many(5))
        assert len(result.choices) == 5 and engine.refused == 7

    asyncio.run(main())


def test_another_error_of_a_later_prompt_ends_the_call() -> None:
    async def main() -> None:
        engine = FullLater(contexts=1, error=InvalidArgument("no", where="prompt"))
        with pytest.raises(InvalidArgument):
            await served(engine).chat(many(5))
        for _ in range(10):
            await asyncio.sleep(0)
        assert engine.active == 0

    asyncio.run(main())


class GatedEngine(FakeEngine):
    """Answers once the gate is open."""

    def __init__(self, gate: asyncio.Event, **options: Any) -> None:
        super().__init__(**options)
        self._gate = gate

    async def deltas(self, request: Request) -> AsyncGenerator[Delta, None]:
        await self._gate.wait()
        async for delta in super().deltas(request):
            yield delta


class FullLater(FakeEngine):
    """Refuses the fourth request a few times."""

    def __init__(self, error: SentiricLlamaError | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.refused = 0
        self._error = error or Overloaded("full", where="queue")

    def admit(self, request: Request) -> None:
        if len(self.requests) == 3 and self.refused < 7:
            self.refused += 1
            raise self._error
        super().admit(request)


def test_a_call_holds_its_places_while_its_tools_are_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def check(texts: list[str]) -> list[str]:
        begun.set()
        assert may_end.wait(30)
        return [""] * len(texts)

    monkeypatch.setattr(tool_schemas, "problems_of", check)

    async def main() -> None:
        CURRENT_CALLER.set(ONE)
        service = served(FakeEngine(contexts=1, queue_limit=1), queue_limit=1)
        wishes = Wishes(tools=(Tool("f", "", ""),))
        messages = (Message("user", "hi"),)
        asked = asyncio.ensure_future(service.chat(ChatCall(messages=messages, wishes=wishes)))
        await asyncio.to_thread(begun.wait, 30)
        with pytest.raises(Overloaded, match="this key has too many"):
            await service.chat(ChatCall(messages=messages))
        may_end.set()
        await asked

    asyncio.run(main())
