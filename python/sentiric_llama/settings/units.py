# SPDX-License-Identifier: AGPL-3.0-only
"""Parses sizes and durations with units. The last word of a setting's name is its unit."""

from __future__ import annotations

import functools
import re

from pydantic import ByteSize, TypeAdapter, ValidationError

from sentiric_llama.host.plain_numbers import MAX_DIGITS

UNITS = {
    "bytes": "bytes, or 8MB, 8MiB",
    "ms": "milliseconds, or 500ms, 30s, 5m",
    "s": "seconds, or 500ms, 30s, 5m",
    "size": "tokens, or 8k = 8192",
}
"""Last word of a name -> its unit in help texts."""

_MS = {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|min|m|h|d)(?![A-Za-z]) ?")
_WITH_UNIT = re.compile(r"[0-9].*[A-Za-z]")


def unit_of(name: str) -> str:
    """The unit of a setting in help texts; "" without one."""
    return UNITS.get(name.rpartition("_")[2], "")


def plain_value(name: str, value: object) -> object:
    """Converts a string with a unit to a number in the setting's unit.

    Returns anything else unchanged: the settings class decides whether it is allowed.
    """
    last = name.rpartition("_")[2]
    if not isinstance(value, str) or not _is_quantity(text := value.strip()):
        return value
    if last == "bytes":
        return _bytes(text)
    if last in ("ms", "s"):
        return _duration(text, _MS[last])
    if last == "size" and (tokens := re.fullmatch(r"([0-9]+) ?[kK]", text)):
        return int(tokens[1]) * 1024
    return value


def _is_quantity(text: str) -> bool:
    return len(text) <= MAX_DIGITS and text.isascii() and bool(_WITH_UNIT.fullmatch(text))


@functools.cache
def _byte_size() -> TypeAdapter[ByteSize]:
    return TypeAdapter(ByteSize)


def _bytes(text: str) -> object:
    try:
        return int(_byte_size().validate_python(text))
    except ValidationError:
        return text


def _duration(text: str, unit_ms: int) -> object:
    parts = _PART.findall(text)
    if "".join(match[0] for match in _PART.finditer(text)) != text:
        return text
    milliseconds = sum(float(number) * _MS[unit] for number, unit in parts)
    value = milliseconds / unit_ms
    return int(value) if value == int(value) else value
