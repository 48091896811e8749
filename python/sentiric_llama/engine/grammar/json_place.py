# SPDX-License-Identifier: AGPL-3.0-only
"""Where in a JSON text its beginning ends."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Literal

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+("?)|[{}\[\],:]', re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)


@dataclass(slots=True)
class _Level:
    is_object: bool
    expects: Literal["name", "value", "other"]
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class JsonPlace:
    """What may come behind the beginning of a text."""

    expects: Literal["name", "value", "other"]
    """A member or its name, a value, or what stands between them."""
    string: int | None
    """Where the string begins that the text is in: the place of its quote."""
    names: tuple[str, ...]
    """The members of the object so far."""


def place_in(text: str) -> JsonPlace:
    """Of the beginning of a JSON text."""
    levels = [_Level(is_object=False, expects="value")]
    for token in _TOKEN.finditer(text):
        level = levels[-1]
        match token[0][0]:
            case "{":
                levels.append(_Level(is_object=True, expects="name"))
            case "[":
                levels.append(_Level(is_object=False, expects="value"))
            case "}" | "]":
                if len(levels) > 1:
                    levels.pop()
                levels[-1].expects = "other"
            case ",":
                level.expects = "name" if level.is_object else "value"
            case ":":
                level.expects = "value"
            case _:
                if not token[1]:
                    return JsonPlace(level.expects, token.start(), tuple(level.names))
                if level.expects == "name":
                    level.names.append(decoded(token[0]))
                level.expects = "other"
    return JsonPlace(levels[-1].expects, None, tuple(levels[-1].names))


def string_at(text: str, place: int) -> str | None:
    """The value of the whole JSON string that begins there."""
    found = _STRING.match(text, place)
    return decoded(found[0]) if found else None


def decoded(literal: str) -> str:
    """The value of a JSON string; what is between its quotes if it is none."""
    try:
        return str(json.loads(literal, strict=False))
    except ValueError:
        return literal[1:-1]
