# SPDX-License-Identifier: AGPL-3.0-only
"""Rules about single tokens, under vLLM's names, and how long a text may repeat itself."""

from __future__ import annotations

from typing import Annotated, Any

from sentiric_llama.http.schemas.body import Body, CheckedBy, InRange
from sentiric_llama.http.schemas.tokens import token_ids
from sentiric_llama.types.ranges import (
    INT32_MAX,
    MAX_ALLOWED_TOKENS,
    MAX_BAD_TEXTS,
    MAX_STOP_TOKENS,
    MIN_TOKENS,
    REPETITION_LIMIT,
    out_of_range,
    parse_bad_words,
)


def _ids(most: int) -> CheckedBy:
    """A list of at most so many token ids."""
    items = {"type": "integer", "minimum": 0, "maximum": INT32_MAX}

    def check(values: Any) -> tuple[int, ...]:
        if isinstance(values, list) and len(values) > most:
            raise out_of_range("", values, f"at most {most} ids")
        return tuple(token_ids(values))

    return CheckedBy(check, {"type": "array", "items": items, "maxItems": most})


_WORDS = {"type": "array", "items": {"type": "string"}, "maxItems": MAX_BAD_TEXTS}


class TokenRules(Body):
    """All optional."""

    min_tokens: Annotated[int, InRange(MIN_TOKENS)] = 0
    stop_token_ids: Annotated[tuple[int, ...], _ids(MAX_STOP_TOKENS)] = ()
    allowed_token_ids: Annotated[tuple[int, ...], _ids(MAX_ALLOWED_TOKENS)] = ()
    bad_words: Annotated[tuple[str, ...], CheckedBy(parse_bad_words, _WORDS)] = ()
    repetition_limit: Annotated[int | None, InRange(REPETITION_LIMIT)] = None
    return_tokens: bool = False
