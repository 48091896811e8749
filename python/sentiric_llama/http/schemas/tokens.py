# SPDX-License-Identifier: AGPL-3.0-only
"""The bodies of `/tokenize` and `/detokenize`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict

from sentiric_llama.http.schemas.body import Body, CheckedBy, refused
from sentiric_llama.types.ranges import INT32_MAX, TOKEN_ID, shown

_IDS = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": INT32_MAX}}


def token_ids(values: Any) -> list[int]:
    """A checked list of ids. For a valid list, no loop runs in Python: it may have millions."""
    if not isinstance(values, list):
        raise refused(f"got {shown(values)}, allowed a list of ids")
    if not values or (
        set(map(type, values)) == {int} and min(values) >= 0 and max(values) <= INT32_MAX
    ):
        return values
    return [int(TOKEN_ID.check(token)) for token in values]


class TokenizeBody(Body):
    """A text to tokenize."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"content": "Hello world"}]})

    content: str
    add_special: bool = False
    parse_special: bool = True
    with_pieces: bool = False


class DetokenizeBody(Body):
    """Token ids to turn into text."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tokens": [42, 81]}]})

    tokens: Annotated[list[int], CheckedBy(token_ids, _IDS)]
