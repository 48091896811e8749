# SPDX-License-Identifier: AGPL-3.0-only
"""Which tools' arguments can be enforced. The others are still called, with any object."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from sentiric_llama.engine.formats.call_format import CallFormat
from sentiric_llama.engine.formats.node import dump
from sentiric_llama.engine.grammar.grammar import Grammar
from sentiric_llama.errors import InvalidArgument, InvalidGrammar
from sentiric_llama.host.off_loop import off_loop
from sentiric_llama.types import Tool

_ANY_OBJECT = '{"type":"object"}'


async def enforceable(
    tools: Sequence[Tool], strict: frozenset[str], form: CallFormat
) -> tuple[tuple[Tool, ...], tuple[str, ...]]:
    """The tools as a grammar takes them, and the names of those with arguments that it cannot.

    `strict` are tools whose caller insists: for them, InvalidArgument is raised at
    `tools.<index>.function.parameters`.
    """
    checked: list[Tool] = []
    relaxed: list[str] = []
    for index, tool in enumerate(tools):
        problem = await off_loop(_problem, form, tool)
        if problem and tool.name in strict:
            what = f"cannot be enforced: {problem}"
            raise InvalidArgument(what, where=f"tools.{index}.function.parameters")
        if problem:
            relaxed.append(tool.name)
            tool = replace(tool, parameters=_ANY_OBJECT)
        checked.append(tool)
    return tuple(checked), tuple(relaxed)


@functools.lru_cache(maxsize=1024)
def _problem(form: CallFormat, tool: Tool) -> str:
    """Why the arguments of this tool cannot be enforced; "" if they can."""
    try:
        Grammar("structure", dump(form.calls([tool], parallel=False)))
    except (InvalidGrammar, InvalidArgument) as error:
        return str(error)
    return ""
