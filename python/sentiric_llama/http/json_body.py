# SPDX-License-Identifier: AGPL-3.0-only
"""Strict JSON: valid UTF-8, finite numbers, no duplicate keys, no lone surrogates, bounded size.

Native code counts the values before any Python object is created.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from starlette.requests import Request

from sentiric_llama import _host
from sentiric_llama.host.off_loop import off_loop
from sentiric_llama.http.errors import HttpError
from sentiric_llama.http.json_constant import place_of_constant

T = TypeVar("T")
Json = dict[str, Any]

MAX_DEPTH = 32
MAX_ITEMS = 65_536
MAX_NUMBER_CHARS = 128
LARGE_BODY = 64 * 1024
MANY_ITEMS = 2048
"""A body above either limit is parsed off the event loop."""

_FIELD = re.compile(rb"\w{1,64}(?:\.\w{1,64}){0,32}", re.ASCII)


async def read_as(request: Request, convert: Callable[[Json], T], max_items: int = MAX_ITEMS) -> T:
    """Reads the body and returns `convert` of its JSON object. A large body runs on a thread.

    Raises HttpError 400, ClientDisconnect, and whatever `convert` raises.
    """
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
        if len(body) <= LARGE_BODY:
            scan = check_bounds(body, max_items)
            if scan.items <= MANY_ITEMS:
                return convert(_build(body, scan))
        return await off_loop(lambda: convert(parse_object(body, max_items)))
    except BaseException:
        with contextlib.suppress(BufferError):  # the thread is still reading it
            body.clear()  # the traceback may keep it alive until the answer has been sent
        raise


def parse_object(body: bytes | bytearray, max_items: int = MAX_ITEMS) -> Json:
    """The JSON object in `body`. Raises HttpError 400 with the reason."""
    return _build(body, check_bounds(body, max_items))


_WORDS = {
    "Invalid control character at": "a control character in a string",
    "Unterminated string starting at": "a string without an end",
    "Unexpected UTF-8 BOM (decode using utf-8-sig)": "a byte order mark",
    "Extra data": "more text after the value",
}
"""For those of the parser's words that have a place of their own, or speak to programmers."""


def check_bounds(body: bytes | bytearray, max_items: int = MAX_ITEMS) -> _host.JsonScan:
    """Scans the body without building values, and enforces the limits. Raises HttpError 400."""
    scan = _host.scan_json(body, depth=MAX_DEPTH, items=max_items, number_bytes=MAX_NUMBER_CHARS)
    if scan.passed == "depth":
        raise _bad(f"the body is nested too deeply; allowed {MAX_DEPTH} levels", field=scan.field)
    if scan.passed == "items":
        raise _bad(f"the body has too many values; allowed {max_items}", field=scan.field)
    if scan.passed == "number":
        raise _bad("the body has a number that is too large or too long")
    return scan


def _build(body: bytes | bytearray, scan: _host.JsonScan) -> Json:
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text,
            parse_constant=functools.partial(_refuse_constant, text),
            parse_float=_finite if scan.has_exponent else None,
            object_pairs_hook=_unique_keys,
        )
    except UnicodeDecodeError as error:
        raise _bad(f"not valid UTF-8 at byte {error.start}", "invalid_unicode") from None
    except json.JSONDecodeError as error:
        raise _bad(f"the body is not valid JSON: {_problem(error)}") from None
    if not isinstance(value, dict):
        raise _bad("the body is not a JSON object")
    if scan.has_lone_surrogate:  # cannot be encoded as UTF-8
        raise _bad("invalid unicode: a lone surrogate in a string", "invalid_unicode")
    return value


def _problem(error: json.JSONDecodeError) -> str:
    return f"{_WORDS.get(error.msg, error.msg)} at character {error.pos}"


def _unique_keys(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _bad("duplicate key in a JSON object")
    return found


def _refuse_constant(text: str, name: str) -> NoReturn:
    place = place_of_constant(text)
    where = f"[{place}] " if place else "the body: "
    raise _bad(f"{where}got {name}, allowed a JSON number, which is finite", field=place.encode())


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _bad("the body has a number that is too large or too long")
    return value


def _bad(text: str, code: str = "invalid_json", field: bytes = b"") -> HttpError:
    param = field.decode() if _FIELD.fullmatch(field) else None
    return HttpError(400, text, code=code, param=param)
