# SPDX-License-Identifier: AGPL-3.0-only
"""Whether an answer is what a page says: its fields, and its values where they are stable.

On a page, "…" stands for any text within a text, for further fields as a name, and for further
items as an item. What is measured or counted from a clock may be any number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

ANY = "…"
_VARYING = re.compile(r".*(_ms|_s|_per_second|_bytes)|created(_at)?|completed_at|timestamp")
"""Names of fields whose numbers differ from run to run."""


def differences(written: Any, got: Any, place: str = "answer") -> Iterator[str]:
    """Where an answer differs from what is written, as sentences."""
    if isinstance(written, dict) and isinstance(got, dict):
        yield from _of_objects(written, got, place)
    elif isinstance(written, list) and isinstance(got, list):
        yield from _of_lists(written, got, place)
    elif isinstance(written, str) and isinstance(got, str):
        if not matches(written, got):
            yield f"{place}: written {written!r}, got {got!r}"
    elif _is_number(written) and _is_number(got):
        may_vary = isinstance(written, float) or _VARYING.fullmatch(place.rpartition(".")[2])
        if not may_vary and written != got:
            yield f"{place}: written {written}, got {got}"
    elif written != ANY and (written is not got):
        yield f"{place}: written {written!r}, got {got!r}"


def matches(written: str, got: str) -> bool:
    """Whether a text is the written one, with anything where "…" stands."""
    pattern = ".*".join(re.escape(part) for part in written.split(ANY))
    return re.fullmatch(pattern, got, re.DOTALL) is not None


def _of_objects(written: dict[str, Any], got: dict[str, Any], place: str) -> Iterator[str]:
    missing = written.keys() - got.keys() - {ANY}
    more = got.keys() - written.keys() if ANY not in written else set()
    yield from (f"{place}: no field {name!r}" for name in sorted(missing))
    yield from (f"{place}: the field {name!r} is not written" for name in sorted(more))
    for name in written.keys() & got.keys():
        yield from differences(written[name], got[name], f"{place}.{name}")


def _of_lists(written: list[Any], got: list[Any], place: str) -> Iterator[str]:
    is_open = written[-1:] == [ANY]
    items = written[:-1] if is_open else written
    if len(got) < len(items) or (len(got) > len(items) and not is_open):
        yield f"{place}: written {len(items)} items, got {len(got)}"
    for index, (item, found) in enumerate(zip(items, got, strict=False)):
        yield from differences(item, found, f"{place}.{index}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
