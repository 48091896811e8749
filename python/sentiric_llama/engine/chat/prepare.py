# SPDX-License-Identifier: AGPL-3.0-only
"""From a conversation and wishes to what an engine is asked, and how its answer is read."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, TypeVar, Unpack

from sentiric_llama.engine.chat.tool_checks import Problems, enforceable, problems, structures
from sentiric_llama.engine.chat.wishes import ChatAsk
from sentiric_llama.engine.formats.call_format import CallFormat
from sentiric_llama.engine.formats.model_format import ModelFormat, Tail
from sentiric_llama.engine.formats.reader import AnswerReader
from sentiric_llama.engine.grammar.structures import problems_of
from sentiric_llama.engine.prompt.conversation import ChatPrompt, RenderOptions
from sentiric_llama.engine.prompt.template_probe import find_model_format, learn_opening
from sentiric_llama.types import ModelInfo, Request, Tool

T = TypeVar("T")

MAX_REMEMBERED = 64
"""Lists of tools."""


class ChatEngine(Protocol):
    """What this needs of an engine, for threads or for an event loop."""

    @property
    def info(self) -> ModelInfo: ...

    async def render_chat(self, messages: ChatPrompt, **options: Unpack[RenderOptions]) -> str: ...

    async def compute(self, size: int, work: Callable[[], T]) -> T:
        """Does work that grows with `size` characters where it holds nobody up."""
        ...


class PreparedChat(NamedTuple):
    """A conversation as the engine takes it."""

    request: Request
    reader: AnswerReader | None
    """None if all of the answer is text."""
    unenforced: tuple[str, ...] = ()
    """Tools whose arguments no grammar can enforce."""


class ChatPreparation:
    """Of one engine: what was found out about its model, and about lists of tools."""

    def __init__(self) -> None:
        self._form: ModelFormat | None = None
        self._checked: OrderedDict[tuple[Tool, ...], Problems] = OrderedDict()

    async def prepare(self, engine: ChatEngine, ask: ChatAsk) -> PreparedChat:
        """Raises InvalidArgument, with the option in `where`, or TemplateFailed."""
        request, wishes, is_plain = ask
        if is_plain:
            return PreparedChat(request, None)
        if self._form is None:
            self._form = await find_model_format(engine)
        form = self._form
        given = _object_of(request.template_arguments)
        opens = form.thinks and await learn_opening(
            engine, form, given or {}, wishes, Tail.of(request.messages)
        )
        tools = wishes.tools
        unenforced: tuple[str, ...] = ()
        if tools and wishes.calling != "none":
            found = await self._problems(engine, form.form.calls, tools)
            place = "tools[{}].function.parameters"
            tools, unenforced = enforceable(tools, found, wishes.strict, place)
        changed, plan = form.apply(
            request, wishes, {tool.name: tool for tool in tools}, opens=opens
        )
        if given is not None and (wishes.thinks is not None or wishes.effort):
            told = form.template_arguments(given, wishes)
            changed = replace(changed, template_arguments=told)
        return PreparedChat(_with_own(changed, request), form.reader(plan), unenforced)

    async def _problems(
        self, engine: ChatEngine, form: CallFormat, tools: tuple[Tool, ...]
    ) -> Problems:
        known = self._checked.get(tools)
        if known is None:
            size = sum(len(tool.parameters) for tool in tools)
            known = await engine.compute(size, lambda: _check(form, tools))
            self._checked[tools] = known
            while len(self._checked) > MAX_REMEMBERED:
                self._checked.popitem(last=False)
        return known


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing: how threads use `ChatPreparation`."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise AssertionError("it waits")


def _check(form: CallFormat, tools: Sequence[Tool]) -> Problems:
    texts, refused = structures(form, tools)
    return problems(problems_of(texts), refused)


def _with_own(changed: Request, given: Request) -> Request:
    """The limit of thoughts and the control tokens that the caller gave count."""
    shown = tuple(dict.fromkeys((*given.shown_tokens, *changed.shown_tokens)))
    return replace(changed, thinking=given.thinking or changed.thinking, shown_tokens=shown)


def _object_of(text: Any) -> dict[str, Any] | None:
    """The template arguments; None for what the engine refuses."""
    if text == "":
        return {}
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
