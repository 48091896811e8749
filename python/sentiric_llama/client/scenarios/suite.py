# SPDX-License-Identifier: AGPL-3.0-only
"""The suites of a file: conversations as data, and what their answers must hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentiric_llama.client.repl.conversation import read_text
from sentiric_llama.client.scenarios.check import Check
from sentiric_llama.errors import InvalidArgument

BUILT_IN = Path(__file__).with_name("suites.tr.json")
MAX_BYTES = 4 * 2**20

_SUITE = ("id", "name", "tests")
_TEST = ("name", "system", "facts", "adapter", "fields", "turns", "callers", "rounds", "interrupt")
_TURN = ("say", "expect")


@dataclass(frozen=True, slots=True)
class Turn:
    """What is said, and what the answer must be."""

    say: str
    check: Check


@dataclass(frozen=True, slots=True)
class Interruption:
    """The first answer is cut off by a hang-up after so many characters."""

    after_characters: int


@dataclass(frozen=True, slots=True)
class Test:
    """One conversation. With `callers`, so many have it at the same time, `rounds` times."""

    __test__ = False

    name: str
    turns: tuple[Turn, ...]
    system: str = ""
    facts: str = ""
    """Goes with every request as `rag_context`."""
    adapter: str = ""
    """A LoRA adapter that may be missing: the test is then about the model alone."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the requests."""
    callers: int = 1
    rounds: int = 1
    interrupt: Interruption | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests about one thing."""

    id: str
    name: str
    tests: tuple[Test, ...]


def load_suites(path: Path = BUILT_IN) -> tuple[Suite, ...]:
    """Raises InvalidArgument with the place in the file."""
    text = read_text(path, MAX_BYTES)
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidArgument(f"{path} is not valid JSON", where="--suites") from None
    found = given.get("suites") if isinstance(given, dict) else None
    suites = tuple(_suite(*item) for item in _items(found, "suites"))
    ids = [suite.id for suite in suites]
    if twice := next((i for i, name in enumerate(ids) if name in ids[:i]), None):
        raise _wrong(f"suites[{twice}].id", "another suite has it")
    return suites


def chosen(suites: Sequence[Suite], ids: Sequence[str]) -> list[Suite]:
    """Those with these ids, all without any. Raises InvalidArgument for an unknown one."""
    known = {suite.id: suite for suite in suites}
    for name in ids:
        if name not in known:
            raise InvalidArgument(f"no such suite; allowed {', '.join(known)}", where="--suite")
    return [suite for suite in suites if not ids or suite.id in ids]


def _suite(given: Any, where: str) -> Suite:
    _check_names(given, _SUITE, where)
    tests = tuple(_test(*item) for item in _items(given.get("tests"), f"{where}.tests"))
    return Suite(_text(given, "id", where), _text(given, "name", where), tests)


def _test(given: Any, where: str) -> Test:
    _check_names(given, _TEST, where)
    cut = given.get("interrupt")
    turns = tuple(_turn(*item) for item in _items(given.get("turns"), f"{where}.turns"))
    if cut is not None and len(turns) < 2:
        raise _wrong(f"{where}.turns", "an interruption needs two turns")
    fields = given.get("fields", {})
    if not isinstance(fields, dict):
        raise _wrong(f"{where}.fields", "allowed an object")
    return Test(
        name=_text(given, "name", where),
        turns=turns,
        system=_text(given, "system", where, ""),
        facts=_text(given, "facts", where, ""),
        adapter=_text(given, "adapter", where, ""),
        fields=fields,
        callers=_count(given, "callers", where),
        rounds=_count(given, "rounds", where),
        interrupt=None if cut is None else Interruption(_count(given, "interrupt", where)),
    )


def _turn(given: Any, where: str) -> Turn:
    _check_names(given, _TURN, where)
    return Turn(_text(given, "say", where), Check.of(given.get("expect", {}), f"{where}.expect"))


def _items(given: Any, where: str) -> list[tuple[Any, str]]:
    if not isinstance(given, list) or not given:
        raise _wrong(where, "allowed a list of at least one")
    return [(item, f"{where}[{index}]") for index, item in enumerate(given)]


def _check_names(given: Any, known: Sequence[str], where: str) -> None:
    if not isinstance(given, dict):
        raise _wrong(where, "allowed an object")
    for name in given:
        if name not in known:
            raise _wrong(f"{where}.{name}", f"unknown; allowed {', '.join(known)}")


def _text(given: Mapping[str, Any], name: str, where: str, default: str | None = None) -> str:
    value = given.get(name, default)
    if not isinstance(value, str) or (not value and default is None):
        raise _wrong(f"{where}.{name}", "allowed a string")
    return value


def _count(given: Mapping[str, Any], name: str, where: str) -> int:
    value = given.get(name, 1)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1000:
        raise _wrong(f"{where}.{name}", "allowed an integer 1..1000")
    return value


def _wrong(place: str, what: str) -> InvalidArgument:
    return InvalidArgument(f"{place}: {what}", where="--suites")
