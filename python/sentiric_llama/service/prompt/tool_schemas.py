# SPDX-License-Identifier: AGPL-3.0-only
"""Which tools' arguments can be enforced. The others are still called, with any object."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from sentiric_llama.engine.formats.call_format import CallFormat
from sentiric_llama.engine.formats.node import dump
from sentiric_llama.engine.grammar.structures import problems_of
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.off_loop import off_loop
from sentiric_llama.types import Tool

MAX_REMEMBERED = 256
"""Lists of tools; of each, a digest and what is wrong."""
MAX_SHOWN = 300

_ANY_OBJECT = '{"type":"object"}'
_remembered: OrderedDict[bytes, tuple[str, ...]] = OrderedDict()


async def enforceable(
    tools: Sequence[Tool], strict: frozenset[str], form: CallFormat
) -> tuple[tuple[Tool, ...], tuple[str, ...]]:
    """The tools as a grammar takes them, and the names of those with arguments that it cannot.

    `strict` are tools whose caller insists: for them, InvalidArgument is raised at
    `tools.<index>.function.parameters`. All tools together may cost what one schema may.
    """
    if not tools:
        return (), ()
    checked: list[Tool] = []
    relaxed: list[str] = []
    for index, (tool, problem) in enumerate(
        zip(tools, await off_loop(_problems, form, tuple(tools)), strict=True)
    ):
        if problem and tool.name in strict:
            what = f"cannot be enforced: {problem}"
            raise InvalidArgument(what, where=f"tools.{index}.function.parameters")
        if problem:
            relaxed.append(tool.name)
        checked.append(replace(tool, parameters=_ANY_OBJECT) if problem else tool)
    return tuple(checked), tuple(relaxed)


def _problems(form: CallFormat, tools: Sequence[Tool]) -> tuple[str, ...]:
    """Why the arguments of each tool cannot be enforced; "" if they can."""
    texts, refused = [], {}
    for index, tool in enumerate(tools):
        try:
            texts.append(dump(form.calls([tool], parallel=False)))
        except InvalidArgument as error:
            refused[index] = str(error)
            texts.append('{"text":""}')
    key = hashlib.sha256("\0".join((form.name, *texts)).encode("utf-8", "replace")).digest()
    found = _remembered.get(key)
    if found is None:
        found = tuple(text[:MAX_SHOWN] for text in problems_of(texts))
        _remembered[key] = found
        while len(_remembered) > MAX_REMEMBERED:
            _remembered.popitem(last=False)
    return tuple(refused.get(index, problem) for index, problem in enumerate(found))
