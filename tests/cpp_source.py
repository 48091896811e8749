# SPDX-License-Identifier: AGPL-3.0-only
"""A reader of our own C++: enough for the tests of the repository's habits, no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NOT_CODE = re.compile(
    r'R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'(?!\w)'  # string, character
    r"|//[^\n]*|/\*.*?\*/"  # comments
    r"|^[ \t]*#(?:\\\n|[^\n])*",  # preprocessor
    re.DOTALL | re.MULTILINE,
)
_TYPE = re.compile(r"\b(?:class|struct|union|enum|namespace)\b[^()]*$|\bextern\s*$")
_FUNCTION = re.compile(
    r"\)\s*(?:(?:const|noexcept|override|final|mutable|&&?)\s*)*(?:->\s*[\w:<>,&*\s]+)?$"
)
_INITIALISER = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:).*[\w>]\s*$", re.DOTALL)

_DECLARATOR = re.compile(r'(\w+)(?: = ("(?:\\.|[^"])*"|\{.*\}|[^,]+))?(?=,|$)')


@dataclass(frozen=True)
class Function:
    """A function's head, as written, and the number of lines from it to the closing brace."""

    head: str
    line: int
    lines: int


def functions(path: Path) -> list[Function]:
    """The functions and methods defined in a file; a lambda belongs to the one around it."""
    return list(_functions(blank(path.read_text(encoding="utf-8"))))


def blank(source: str) -> str:
    """The source with strings, comments and directives as blanks; line numbers stay."""
    return _NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), source)


def _functions(code: str) -> Iterator[Function]:
    start, depth, body = 0, 0, -1  # of the head; of braces; the depth at which a function began
    head, begin = "", 0
    initialisers: set[int] = set()
    for at, char in enumerate(code):
        if char == "{":
            if body < 0:
                head = code[start:at]
                kind = _kind(head)
                if kind == "initialiser":
                    initialisers.add(depth)
                elif kind == "function":
                    body, begin = depth, at - len(head.lstrip())
                else:
                    start = at + 1
            depth += 1
        elif char == "}":
            depth -= 1
            if depth in initialisers:
                initialisers.discard(depth)
            elif body < 0 or depth == body:
                if depth == body:
                    yield _function(code, begin, at)
                    body = -1
                start = at + 1
        elif char == ";" and body < 0 and not initialisers:
            start = at + 1


def _kind(head: str) -> str:
    plain = re.sub(r"\{[^{}]*\}", "()", head)  # members initialised with braces
    if _TYPE.search(plain):
        return "type"
    if _FUNCTION.search(plain) and not plain.rstrip().endswith("="):
        return "function"
    return "initialiser" if _INITIALISER.search(plain) else "other"


def _function(code: str, begin: int, end: int) -> Function:
    head = code[begin : code.index("{", begin)]
    line = code.count("\n", 0, begin) + 1
    return Function(" ".join(head.split()), line, code.count("\n", begin, end) + 1)


@dataclass(frozen=True)
class Field:
    """A data member and the text of its default, which may be empty."""

    name: str
    default: str


def fields(header: Path, struct: str) -> list[Field]:
    """The data members of a plain struct, in order."""
    source = re.sub(r"//[^\n]*", "", header.read_text(encoding="utf-8"))
    body = re.search(rf"struct {struct} {{\n(.*?)\n}};", source, re.DOTALL)
    assert body, f"{header.name} has no struct {struct}"
    members: list[Field] = []
    for statement in body[1].split(";"):
        plain = re.sub(r"<[^=]*>", "", " ".join(statement.split()))
        if plain and "(" not in plain and not plain.startswith("enum"):
            members += [Field(match[1], match[2] or "") for match in _DECLARATOR.finditer(plain)]
    return members
