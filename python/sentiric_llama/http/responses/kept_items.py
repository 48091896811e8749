# SPDX-License-Identifier: AGPL-3.0-only
"""The newest items of answers, in memory, for clients that name items instead of sending them."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.errors import dump_json
from sentiric_llama.http.responses.items import is_reference

KEEP_S = 3600.0
"""After an item was made or last named."""
MAX_BYTES = 32 * 1024 * 1024
"""Of all items; the oldest make room."""
MAX_NAMED = 2 * 1024 * 1024
"""Of those that one request names: a short body must not become a large one."""
MAX_ITEM = 1024 * 1024
OVERHEAD = 512
"""Of an item, beside its JSON."""

Item: TypeAlias = Mapping[str, Any]
Owner: TypeAlias = tuple[str, str]
"""The name of a key and the tenant that it is bound to."""
Keep: TypeAlias = Callable[[Iterable[Item]], None]


def caller() -> Owner:
    """Who sent the request that is being read."""
    found = CURRENT_CALLER.get()
    return found.owner, found.tenant


class KeptItems:
    """Nobody gets an item that another key was answered. May be used from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._items: OrderedDict[tuple[Owner, str], tuple[float, bytes]] = OrderedDict()
        """When it is forgotten, and its JSON; the next to be forgotten stands first."""
        self._bytes = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._items)

    def keep(self, owner: Owner, items: Iterable[Item]) -> None:
        """Keeps items of an answer. One that is too large is not kept."""
        for item in items:
            text = dump_json(_short(item))
            if len(text) <= MAX_ITEM:
                with self._lock:
                    self._put((owner, item["id"]), text)

    def filled_in(self, values: dict[str, Any], owner: Owner) -> dict[str, Any]:
        """A body whose references are the items that they name, where these are known.

        Raises InvalidArgument.
        """
        given = values.get("input")
        if not isinstance(given, list) or not any(map(is_reference, given)):
            return values
        filled, named, size = list(given), set(), 0
        for index, item in enumerate(given):
            name = item.get("id") if is_reference(item) else None
            if not isinstance(name, str):
                continue
            if name in named:
                raise InvalidArgument("this item is named twice", where=f"input.{index}.id")
            named.add(name)
            text = self._find(owner, name)
            size += len(text)
            if size > MAX_NAMED:
                what = f"the named items are too large; allowed {MAX_NAMED} bytes in all"
                raise InvalidArgument(what, where=f"input.{index}.id")
            filled[index] = json.loads(text) if text else item
        return values | {"input": filled}

    def _find(self, owner: Owner, name: str) -> bytes:
        """The item with this id, which is then kept for longer; empty if there is none."""
        with self._lock:
            self._forget()
            text = self._take((owner, name))
            if text:
                self._put((owner, name), text)
            return text

    def _put(self, key: tuple[Owner, str], text: bytes) -> None:
        self._items[key] = self._clock() + KEEP_S, text
        self._bytes += len(text) + OVERHEAD
        self._forget()

    def _take(self, key: tuple[Owner, str]) -> bytes:
        _, text = self._items.pop(key, (0.0, b""))
        self._bytes -= len(text) + OVERHEAD if text else 0
        return text

    def _forget(self) -> None:
        """All use one duration, so those that are to go stand in front."""
        now = self._clock()
        while self._items:
            key, (until, _) = next(iter(self._items.items()))
            if until > now and self._bytes <= MAX_BYTES:
                return
            self._take(key)


def _short(item: Item) -> Item:
    """The item without log-probabilities: they are many times the text, and mean nothing here."""
    parts = item.get("content")
    if item["type"] != "message" or not isinstance(parts, list):
        return item
    return {**item, "content": [{**part, "logprobs": []} for part in parts]}
