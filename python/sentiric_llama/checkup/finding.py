# SPDX-License-Identifier: AGPL-3.0-only
"""What a check found, in words, and the exit code that follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from sentiric_llama.errors import ERROR_TABLE, ErrorCode
from sentiric_llama.settings.load import Resolved


class Level(IntEnum):
    """How bad a finding is."""

    OK = 0
    WARNING = 1
    PROBLEM = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `text` and `fix` are templates for `messages.say` and `values`."""

    name: str
    level: Level
    text: str
    fix: str = ""
    code: ErrorCode = ErrorCode.UNAVAILABLE
    """What a start would end with, when this is a problem."""
    values: dict[str, Any] = field(default_factory=dict)


Check = Callable[[Resolved], Iterable[Finding]]


def ok(name: str, text: str, /, **values: Any) -> Finding:
    return Finding(name, Level.OK, text, values=values)


def warning(name: str, text: str, fix: str = "", /, **values: Any) -> Finding:
    return Finding(name, Level.WARNING, text, fix, values=values)


def problem(name: str, code: ErrorCode, text: str, fix: str = "", /, **values: Any) -> Finding:
    return Finding(name, Level.PROBLEM, text, fix, code, values)


def examine(resolved: Resolved, checks: Iterable[Check]) -> Iterator[Finding]:
    """All findings in order. A check that fails itself is a finding, not the end."""
    for check in checks:
        try:
            yield from check(resolved)
        except Exception as error:
            name = check.__name__.removeprefix("check_")
            reason = f"{type(error).__name__}: {error}"
            yield warning(name, "this could not be checked: {reason}", reason=reason)


def exit_code(findings: Iterable[Finding]) -> int:
    """That of the first problem, as a start would end with it; 0 when there are only warnings."""
    problems = [item for item in findings if item.level is Level.PROBLEM]
    return ERROR_TABLE[problems[0].code].exit_code if problems else 0
