# SPDX-License-Identifier: AGPL-3.0-only
"""What GenerateStream has no fields for: reasoning, and which tokens may come, as parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from sentiric_llama.service.request_fields import BUDGETS, parse_template_arguments
from sentiric_llama.types.ranges import (
    MAX_ALLOWED_TOKENS,
    MAX_STOP_TOKENS,
    MIN_TOKENS,
    REPETITION_LIMIT,
    THINKING_BUDGET,
    TOKEN_ID,
    out_of_range,
    parse_bad_words,
)
from sentiric_llama.types.wishes import Effort, Wishes

NAMES = frozenset(
    {
        *("reasoning_effort", *BUDGETS, "chat_template_kwargs"),
        *("min_tokens", "stop_token_ids", "allowed_token_ids", "bad_words", "repetition_limit"),
    }
)
"""Parameters with the names of HTTP."""


def reasoning_wishes(given: Mapping[str, Any]) -> Wishes:
    """How much and how long to think. Raises InvalidArgument with the name in `where`."""
    effort = given.get("reasoning_effort")
    words = get_args(Effort)
    if effort is not None and effort not in words:
        raise out_of_range("reasoning_effort", effort, " | ".join(words))
    budgets = [
        int(THINKING_BUDGET.check(given[name], name))
        for name in BUDGETS
        if given.get(name) is not None
    ]
    return Wishes(
        thinks=None if effort is None else effort != "none",
        effort="" if effort in (None, "none") else str(effort),
        thinking_budget=next((budget for budget in budgets if budget >= 0), None),
    )


def token_bounds(given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of ChatCall. Raises InvalidArgument with the name in `where`."""
    found: dict[str, Any] = {
        "stop_tokens": _ids(given, "stop_token_ids", MAX_STOP_TOKENS),
        "template_arguments": parse_template_arguments(given.get("chat_template_kwargs") or {}),
    }
    if (value := given.get("min_tokens")) is not None:
        found["min_tokens"] = int(MIN_TOKENS.check(value))
    if (value := given.get("bad_words")) is not None:
        found["bad_words"] = parse_bad_words(value)
    if (value := given.get("repetition_limit")) is not None:
        found["repetition_limit"] = int(REPETITION_LIMIT.check(value))
    return found


def allowed_ids(given: Mapping[str, Any]) -> dict[str, Any]:
    """The field of `SamplingParams`, if it is set."""
    ids = _ids(given, "allowed_token_ids", MAX_ALLOWED_TOKENS)
    return {"allowed_tokens": ids} if ids else {}


def _ids(given: Mapping[str, Any], name: str, most: int) -> tuple[int, ...]:
    values = given.get(name)
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > most:
        raise out_of_range(name, values, f"a list of at most {most} ids")
    return tuple(int(TOKEN_ID.check(value, name)) for value in values)
