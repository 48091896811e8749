# SPDX-License-Identifier: AGPL-3.0-only
"""Checking lists of tools: once each, in turns of the callers; what is known waits for nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from sentiric_llama.engine.formats.calls.hermes import Hermes
from sentiric_llama.errors import Overloaded
from sentiric_llama.service.prompt import tool_schemas
from sentiric_llama.service.prompt.fair_turns import FairTurns
from sentiric_llama.service.prompt.tool_schemas import MAX_WAITING, ToolSchemas
from sentiric_llama.types import Tool

FORM = Hermes()


def tools_of(name: str) -> tuple[Tool, ...]:
    return (Tool(name, "", '{"type":"object"}'),)


class Held:
    """Replaces the check by one that waits, and notes what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_end = threading.Event()
        self.begun = threading.Semaphore(0)
        self.asked: list[str] = []
        monkeypatch.setattr(tool_schemas, "problems_of", self._check)

    def _check(self, texts: Sequence[str]) -> list[str]:
        self.asked.append(next(name for name in NAMES if name in texts[0]))
        self.begun.release()
        assert self.may_end.wait(30)
        return [""] * len(texts)


NAMES = [f"tool_{letter}_{number}" for letter in "abc" for number in range(4)] + ["known"]


def ask(schemas: ToolSchemas, name: str, share: str) -> asyncio.Task[object]:
    work = schemas.enforceable(tools_of(name), frozenset(), FORM, share)
    return asyncio.ensure_future(work)


def test_what_is_known_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        schemas = ToolSchemas()
        await ask(schemas, "known", "a")
        held = Held(monkeypatch)
        other = ask(schemas, "tool_a_0", "a")
        await asyncio.to_thread(held.begun.acquire)
        async with asyncio.timeout(30):
            await ask(schemas, "known", "b")
        assert not other.done()
        held.may_end.set()
        await other

    asyncio.run(main())


def test_a_busy_key_waits_behind_its_own_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        schemas, held = ToolSchemas(), Held(monkeypatch)
        first = [ask(schemas, f"tool_a_{number}", "a") for number in range(4)]
        await asyncio.to_thread(held.begun.acquire)
        later = [ask(schemas, "tool_b_0", "b"), ask(schemas, "tool_b_1", "b")]
        later.append(ask(schemas, "tool_c_0", "c"))
        for _ in range(10):
            await asyncio.sleep(0)
        held.may_end.set()
        await asyncio.gather(*first, *later)
        order = ["a_0", "b_0", "c_0", "a_1", "b_1", "a_2", "a_3"]
        assert held.asked == [f"tool_{name}" for name in order]

    asyncio.run(main())


def test_equal_lists_are_checked_once_also_when_the_first_caller_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        schemas, held = ToolSchemas(), Held(monkeypatch)
        asked = [ask(schemas, "tool_a_0", "a") for _ in range(100)]
        await asyncio.to_thread(held.begun.acquire)
        asked[0].cancel()
        held.may_end.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert found[1:] == [(tools_of("tool_a_0"), ())] * 99
        assert held.asked == ["tool_a_0"]

    asyncio.run(main())


def test_a_share_has_a_bounded_line() -> None:
    async def main() -> None:
        turns, may_end = FairTurns("checks wait", MAX_WAITING), asyncio.Event()
        asked = [
            asyncio.ensure_future(turns.run("a", may_end.wait)) for _ in range(MAX_WAITING + 1)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="allowed 32"):
            await turns.run("a", may_end.wait)
        asked[5].cancel()
        may_end.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [each is True for each in found].count(False) == 1
        assert await turns.run("a", may_end.wait)

    asyncio.run(main())


def test_no_more_is_remembered_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_schemas, "MAX_REMEMBERED", 3)

    async def main() -> None:
        schemas = ToolSchemas()
        for name in NAMES:
            await ask(schemas, name, "")
        assert len(schemas._remembered) == 3

    asyncio.run(main())
