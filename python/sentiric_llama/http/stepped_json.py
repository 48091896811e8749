# SPDX-License-Identifier: AGPL-3.0-only
"""JSON in steps: one call for a long answer would hold up the event loop, or the GIL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentiric_llama.host.off_loop import off_loop
from sentiric_llama.http.errors import dump_json

STEP = 4096
"""Values that one step writes; a text counts as one for each `_CHARACTERS`."""
LONG = STEP // 8
"""Tokens with log-probabilities that are written off the event loop: each is several values."""
_CHARACTERS = 64
_GROUP = 512
"""Values of a list that are written together."""


class SteppedJson(Response):
    """A JSON response. Iterators in the content are lists whose members are made when written.

    A short answer is written at once. The rest of a long one is made off the event loop, and is
    never in memory as a whole.
    """

    media_type = "application/json"
    status_code = 200
    body = b""

    def __init__(self, content: Any, headers: Mapping[str, str] | None = None) -> None:
        self.background = None
        self._content = content
        self._extra = dict(headers or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        steps = json_steps(self._content)
        begin = next(steps)
        part = next(steps, None)
        if part is None:
            whole = Response(begin, headers=self._extra, media_type=self.media_type)
            await whole(scope, receive, send)
            return
        headers = {"content-type": self.media_type, **self._extra}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await send(_body(begin, more=True))
        while part is not None:
            await send(_body(part, more=True))
            part = await off_loop(next, steps, None)
        await send(_body(b"", more=False))


def _body(data: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def json_steps(value: Any) -> Iterator[bytes]:
    """The JSON of the value as `dump_json` writes it, about STEP values at a time."""
    parts: list[bytes] = []
    written = 0
    for data, weight in _write(value):
        parts.append(data)
        written += weight
        if written >= STEP:
            yield b"".join(parts)
            parts.clear()
            written = 0
    if parts:
        yield b"".join(parts)


def dump_long(value: Any) -> bytes:
    """All of it, without one call that holds the GIL throughout. For threads off the loop."""
    return b"".join(json_steps(value))


def _write(value: Any) -> Iterator[tuple[bytes, int]]:
    """Parts with their weights."""
    weight = _weight(value)
    if weight < STEP or not isinstance(value, dict | list | tuple | Iterator):
        yield dump_json(value), weight
    elif isinstance(value, dict):
        before = b"{"
        for name, member in value.items():
            yield before + dump_json(name) + b":", 1
            yield from _write(member)
            before = b","
        yield b"}" if value else b"{}", 1
    else:
        yield from _write_list(value)


def _write_list(members: Iterable[Any]) -> Iterator[tuple[bytes, int]]:
    yield b"[", 1
    comma = b""
    for group, weight in _groups(iter(members)):
        yield comma, 0
        if weight < STEP:
            yield dump_json(group)[1:-1], weight
        else:
            yield from _write(group[0])
        comma = b","
    yield b"]", 1


def _groups(members: Iterator[Any]) -> Iterator[tuple[list[Any], int]]:
    """Members that fit into a step together, or one that does not, with their weight."""
    group: list[Any] = []
    sum_weights = 0
    for member in members:
        weight = _weight(member)
        if group and sum_weights + weight >= STEP:
            yield group, sum_weights
            group, sum_weights = [], 0
        group.append(member)
        sum_weights += weight
        if sum_weights >= _GROUP:
            yield group, sum_weights
            group, sum_weights = [], 0
    if group:
        yield group, sum_weights


def _weight(value: Any) -> int:
    """How many values it holds; counting stops at STEP. An iterator may hold any number."""
    count, waiting = 0, [value]
    while waiting and count < STEP:
        item = waiting.pop()
        count += 1
        if isinstance(item, str):
            count += len(item) // _CHARACTERS
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list | tuple):
            waiting += item
        elif isinstance(item, Iterator):
            return STEP
    return min(count, STEP)
