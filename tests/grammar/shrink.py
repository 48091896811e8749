# SPDX-License-Identifier: AGPL-3.0-only
"""The smallest schema and text that still show a fault, found greedily."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from grammar.case import Fault, reproduces
from grammar.compiler import written
from grammar.judge import Judges, NotJson, read

MAX_TRIES = 2_000
LIMIT_S = 60.0


def shrunk(fault: Fault, judges: Judges) -> Fault:
    """The same fault, smaller; unchanged where schema and text alone do not show it."""
    tries = 0
    end = time.monotonic() + LIMIT_S

    def holds(candidate: Fault) -> bool:
        nonlocal tries
        tries += 1
        return (
            tries < MAX_TRIES
            and time.monotonic() < end
            and reproduces(
                candidate.kind, candidate.dialect, candidate.schema, candidate.text, judges
            )
        )

    if not holds(fault):
        return fault
    while smaller := next((one for one in _smaller(fault) if holds(one)), None):
        fault = smaller
    return fault


def _smaller(fault: Fault) -> Iterator[Fault]:
    for schema in _parts_less(fault.schema):
        if isinstance(schema, dict | bool):
            yield replace(fault, schema=schema)
    if fault.kind in ("dead end", "slow", "stopped"):
        return
    try:
        value = read(fault.text, exact=False)
    except NotJson:
        return
    for text in [written(value), *map(written, _parts_less(value))]:
        if len(text) < len(fault.text):
            yield replace(fault, text=text)


def _parts_less(value: Any) -> Iterator[Any]:
    """Values with one part less, or with a part in the place of what holds it; big steps first."""
    if isinstance(value, dict):
        yield from value.values()
        for name in value:
            yield {other: inner for other, inner in value.items() if other != name}
        for name, inner in value.items():
            for smaller in _parts_less(inner):
                yield value | {name: smaller}
    elif isinstance(value, list):
        yield from value
        for index, inner in enumerate(value):
            yield value[:index] + value[index + 1 :]
            for smaller in _parts_less(inner):
                yield [*value[:index], smaller, *value[index + 1 :]]
    elif isinstance(value, str) and len(value) > 1:
        yield value[: len(value) // 2]
        yield value[1:]
    elif isinstance(value, int | float) and value not in (0, 1, True, False):
        yield 1
        yield 0


def as_line(fault: Fault) -> str:
    schema = json.dumps(fault.schema, ensure_ascii=False)
    text = fault.text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return f"{fault.kind} | {fault.number} {fault.dialect} | {schema} | {text} | {fault.detail}"
