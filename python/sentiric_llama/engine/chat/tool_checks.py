# SPDX-License-Identifier: AGPL-3.0-only
"""Which tools' arguments can be enforced. The others are still called, with any object."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sentiric_llama.engine.formats.call_format import CallFormat
from sentiric_llama.engine.formats.node import dump
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import Tool

MAX_SHOWN = 300

_PLACE = re.compile(r"\[structure[^:\]]*(:[^\]]*)?\] (.*)", re.DOTALL)
_ANY_OBJECT = '{"type":"object"}'

Problems = tuple[str, ...]
"""Why the arguments of each tool cannot be enforced; "" if they can."""


def structures(form: CallFormat, tools: Sequence[Tool]) -> tuple[list[str], dict[int, str]]:
    """A structure for the calls of each tool, and what is wrong with tools that have none."""
    texts, refused = [], {}
    for index, tool in enumerate(tools):
        try:
            texts.append(dump(form.calls([tool], parallel=False)))
        except InvalidArgument as error:
            refused[index] = error.what  # its index is that of a list of one
            texts.append('{"text":""}')
    return texts, refused


def problems(found: Sequence[str], refused: Mapping[int, str]) -> Problems:
    """From what is wrong with each structure, and with tools that have none."""
    return tuple(refused.get(index, text[:MAX_SHOWN]) for index, text in enumerate(found))


def enforceable(
    tools: Sequence[Tool], found: Problems, strict: frozenset[str], place: str
) -> tuple[tuple[Tool, ...], tuple[str, ...]]:
    """The tools as a grammar takes them, and the names of those with arguments that it cannot.

    `strict` are tools whose caller insists: for them, InvalidArgument is raised at `place`, with
    the index of the tool.
    """
    checked: list[Tool] = []
    relaxed: list[str] = []
    for index, (tool, problem) in enumerate(zip(tools, found, strict=True)):
        if problem and tool.name in strict:
            raise _refusal(problem, place.format(index))
        if problem:
            relaxed.append(tool.name)
        checked.append(replace(tool, parameters=_ANY_OBJECT) if problem else tool)
    return tuple(checked), tuple(relaxed)


def _refusal(problem: str, where: str) -> InvalidArgument:
    """The error at the place in the schema, instead of that in the structure around it."""
    found = _PLACE.match(problem)
    if found is None:
        return InvalidArgument(f"cannot be enforced: {problem}", where=where)
    return InvalidArgument(f"cannot be enforced: {found[2]}", where=where + (found[1] or ""))
