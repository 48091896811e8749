# SPDX-License-Identifier: AGPL-3.0-only
"""Strict JSON: bounded depth, UTF-8 only, finite numbers, no key twice, no lone surrogates."""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import Any, NoReturn, TypeVar

from starlette.requests import Request

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.errors import HttpError
from sentiric_llama.params import shown

T = TypeVar("T")

MAX_DEPTH = 32
MAX_NUMBER_CHARS = 128
LARGE_BODY = 256 * 1024

# Possessive quantifiers and the optional closing quote keep this linear on every input.
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_FIELD = re.compile(rb"\w{1,64}", re.ASCII)
_SURROGATE = re.compile(r"[\ud800-\udfff]")


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises HttpError 400, ClientDisconnect."""
    body = await request.body()
    if len(body) > LARGE_BODY:  # megabytes take too long for the loop that feeds all streams
        return await asyncio.to_thread(parse_object, body)
    return parse_object(body)


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises HttpError 400 saying what is wrong with it."""
    check_depth(body)
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_short_int,
            object_pairs_hook=_unique_keys,
        )
    except UnicodeDecodeError as error:
        raise _bad(f"not valid UTF-8 at byte {error.start}", "invalid_unicode") from None
    except json.JSONDecodeError as error:
        raise _bad(f"not valid JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(value, dict):
        raise _bad("not a JSON object")
    if rb"\u" in body:
        _check_surrogates(value)
    return value


def check_depth(body: bytes) -> None:
    """Refuses nesting beyond 32 before the recursive parser sees it."""
    depth = 0
    field = b""
    for match in _STRUCTURE.finditer(body):
        char = match[0]
        if depth == 1 and char[:1] == b'"':
            field = char[1:-1]
        if char in (b"[", b"{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise _bad(f"nested too deeply; allowed {MAX_DEPTH} levels", field=field)
        elif char in (b"]", b"}"):
            depth -= 1


def _check_surrogates(value: object) -> None:
    """Refuses half a UTF-16 pair anywhere: it is no character and cannot be encoded."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str) and _SURROGATE.search(item):
            raise _bad("invalid unicode: a lone surrogate in a string", "invalid_unicode")
        if isinstance(item, dict):
            pending.extend(item.keys())
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _bad("a key occurs twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise _bad(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text) if len(text) <= MAX_NUMBER_CHARS else math.inf
    if not math.isfinite(value):
        raise _bad("a number is too large or too long")
    return value


def _short_int(text: str) -> int:
    if len(text) > MAX_NUMBER_CHARS:
        raise _bad("a number is too large or too long")
    return int(text)


def _bad(what: str, code: str = "invalid_json", field: bytes = b"") -> HttpError:
    text = f"the body is {what}" if code == "invalid_json" else what
    param = field.decode() if _FIELD.fullmatch(field) else None
    return HttpError(400, text, code=code, param=param)


class Fields:
    """Typed reading of one JSON object; null counts as absent. Raises InvalidArgument."""

    def __init__(self, values: dict[str, Any], where: str = "") -> None:
        self.values = values
        self._prefix = f"{where}." if where else ""

    def text(self, name: str) -> str | None:
        return self._get(name, str, "a string")

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._get(name, bool, "true or false")
        return default if value is None else value

    def object(self, name: str) -> dict[str, Any] | None:
        return self._get(name, dict, "an object")

    def items(self, name: str) -> list[Any] | None:
        return self._get(name, list, "a list")

    def refuse(self, name: str, allowed: str) -> InvalidArgument:
        """The error for a field whose value is not one of the allowed."""
        got = shown(self.values.get(name))
        return InvalidArgument(f"got {got}, allowed {allowed}", where=self._prefix + name)

    def _get(self, name: str, kind: type[T], allowed: str) -> T | None:
        value = self.values.get(name)
        if value is None or isinstance(value, kind):
            return value
        raise self.refuse(name, allowed)
