# SPDX-License-Identifier: AGPL-3.0-only
"""Values of a schema from hypothesis-jsonschema, which knows draft-07 alone."""

from __future__ import annotations

import contextlib
import signal
import warnings
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, strategies
from hypothesis_jsonschema import from_schema

from grammar.random_values import plain
from grammar.schemas import Schema, without_openapi

NUM_VALUES = 6
LIMIT_S = 2.0


def second_values(number: int, dialect: str, schema: Schema) -> list[Any]:
    """Empty where it has no values, or does not find them. In the main thread alone."""
    if dialect == "2020-12":
        return []
    values: list[Any] = []

    @hypothesis.seed(number)
    @hypothesis.settings(
        max_examples=NUM_VALUES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategies.data())
    def collect(data: Any) -> None:
        values.append(plain(data.draw(from_schema(without_openapi(schema)))))

    signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    with warnings.catch_warnings(), contextlib.suppress(Exception):  # of many kinds: it gives up
        warnings.simplefilter("ignore")
        collect()
    signal.setitimer(signal.ITIMER_REAL, 0)
    return values


def _give_up(_signal: int, _frame: object) -> None:
    raise TimeoutError
