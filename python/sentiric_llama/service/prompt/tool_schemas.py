# SPDX-License-Identifier: AGPL-3.0-only
"""Checks lists of tools for all callers, and remembers what is wrong with them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from sentiric_llama.engine.chat.tool_checks import Problems, enforceable, problems, structures
from sentiric_llama.engine.formats.call_format import CallFormat
from sentiric_llama.engine.grammar.structures import problems_of
from sentiric_llama.engine.prompt.conversation import is_large
from sentiric_llama.host.off_loop import maybe_off_loop, native
from sentiric_llama.service.prompt.fair_turns import FairTurns
from sentiric_llama.types import Tool

MAX_REMEMBERED = 256
"""Lists of tools; of each, a digest and what is wrong."""
MAX_WAITING = 32
"""Checks of one share."""
MAX_HASHED = 256 * 1024
"""Characters; a longer list is hashed off the event loop."""


class ToolSchemas:
    """Checks lists of tools, and remembers the results. Belongs to one event loop.

    What is remembered is answered at once. The rest is checked one after the other, in turns of the
    callers, on a thread of its own; equal lists are checked once.
    """

    def __init__(self) -> None:
        self._remembered: OrderedDict[bytes, Problems] = OrderedDict()
        self._checking: dict[bytes, asyncio.Task[Problems]] = {}
        self._turns = FairTurns("lists of tools wait to be checked", MAX_WAITING)

    async def enforceable(
        self, tools: Sequence[Tool], strict: frozenset[str], form: CallFormat, share: str
    ) -> tuple[tuple[Tool, ...], tuple[str, ...]]:
        """The tools as a grammar takes them, and the names of those with arguments that it cannot.

        `strict` are tools whose caller insists: for them, InvalidArgument is raised at
        `tools.<index>.function.parameters`. All tools together may cost what one schema may.
        """
        if not tools:
            return (), ()
        found = await self._problems(form, tuple(tools), share)
        return enforceable(tools, found, strict, "tools.{}.function.parameters")

    async def _problems(self, form: CallFormat, tools: tuple[Tool, ...], share: str) -> Problems:
        size = sum(len(tool.parameters) for tool in tools)
        key = _key(form, tools) if size <= MAX_HASHED else await native(size, _key, form, tools)
        found = self._remembered.get(key)
        if found is not None:
            self._remembered.move_to_end(key)
            return found
        task = self._checking.get(key)
        if task is None:
            task = asyncio.ensure_future(self._turns.run(share, lambda: _check(form, tools)))
            self._checking[key] = task
            task.add_done_callback(lambda done: self._note(key, done))
        return await asyncio.shield(task)  # a caller who leaves stops nobody who waits for it, too

    def _note(self, key: bytes, task: asyncio.Task[Problems]) -> None:
        del self._checking[key]
        if task.cancelled() or task.exception() is not None:
            return
        self._remembered[key] = task.result()
        while len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)


def _key(form: CallFormat, tools: Sequence[Tool]) -> bytes:
    digest = hashlib.sha256(form.name.encode())
    for text in (text for tool in tools for text in (tool.name, tool.parameters)):
        data = text.encode("utf-8", "replace")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.digest()


async def _check(form: CallFormat, tools: tuple[Tool, ...]) -> Problems:
    texts, refused = await maybe_off_loop(is_large((), tools), structures, form, tools)
    size = sum(map(len, texts))
    return problems(await native(size, problems_of, texts), refused)
