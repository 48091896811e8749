# SPDX-License-Identifier: AGPL-3.0-only
"""A text, token ids, or a list of either, as OpenAI's older routes take them."""

from __future__ import annotations

from typing import Any

from sentiric_llama.http.schemas.body import refused
from sentiric_llama.http.schemas.tokens import token_ids
from sentiric_llama.types.ranges import INT32_MAX, shown

Input = str | list[int]

_TEXT = {"type": "string", "minLength": 1}
_IDS = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0, "maximum": INT32_MAX},
    "minItems": 1,
}


def schema_of(most: int) -> dict[str, Any]:
    """The schema of at most so many inputs."""
    one = {"anyOf": [_TEXT, _IDS]}
    return {
        "anyOf": [_TEXT, _IDS, {"type": "array", "items": one, "minItems": 1, "maxItems": most}]
    }


ALLOWED = "a string, a list of token ids, or a list of either"


def parse_inputs(value: Any) -> list[Input]:
    """One input for a text or for token ids, else one for each item of a list."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        raise refused(f"got {shown(value)}, allowed {ALLOWED}")
    if isinstance(value[0], int | float) and not isinstance(value[0], bool):
        return [token_ids(value)]
    return [_one(item, index) for index, item in enumerate(value)]


def _one(item: Any, index: int) -> Input:
    if isinstance(item, str):
        return item
    if isinstance(item, list):
        return token_ids(item)
    raise refused(f"got {shown(item)}, allowed a string or a list of token ids", str(index))
