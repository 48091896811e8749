# SPDX-License-Identifier: AGPL-3.0-only
"""Where a JSON text has NaN or an infinity, which Python's parser finds but does not locate."""

from __future__ import annotations

import json
import re

from sentiric_llama.service.request_fields import MORE, safe_name

MOST_SHOWN = 128
"""Characters of a path; a longer one loses its beginning."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|NaN|-?Infinity|[{}\[\],:]', re.DOTALL)


def place_of_constant(text: str) -> str:
    """The path of the first NaN or infinity, such as `messages.0.weight`; "" at the top.

    For a text that is valid up to there and of bounded depth.
    """
    path: list[str | int] = []
    name = ""
    for found in _TOKEN.finditer(text):
        token = found[0]
        match token[0]:
            case "{":
                path.append("")
            case "[":
                path.append(0)
            case "}" | "]":
                del path[-1:]
            case ",":
                path[-1:] = [path[-1] + 1 if isinstance(path[-1], int) else ""]
            case '"':
                name = token
            case ":":
                path[-1:] = [name]
            case _:
                break
    place = ".".join(str(part) if isinstance(part, int) else _shown(part) for part in path)
    return place if len(place) <= MOST_SHOWN else MORE + place[-MOST_SHOWN:]


def _shown(literal: str) -> str:
    """A member's name, as the caller wrote it but short and safe."""
    return safe_name(str(json.loads(literal, strict=False)))
