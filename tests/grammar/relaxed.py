# SPDX-License-Identifier: AGPL-3.0-only
"""Near misses: values of a schema that says a little less."""

from __future__ import annotations

import random
from typing import Any

from grammar.compiler import compiled
from grammar.judge import NotJson, read
from grammar.random_values import plain
from grammar.sampler import sample
from grammar.schemas import Schema, rewritten
from sentiric_llama.errors import SentiricLlamaError

KEPT = {"$defs", "definitions", "$id", "$anchor", "$dynamicAnchor"}
NUM_TEXTS = 3


def relaxed_values(schema: Schema, rng: random.Random) -> list[Any]:
    """Of the schema without one of its keywords; empty where that has no texts."""
    places: list[tuple[int, str]] = []
    count = 0

    def look(inner: dict[str, Any]) -> Schema:
        nonlocal count
        places.extend((count, word) for word in inner if word not in KEPT)
        count += 1
        return inner

    rewritten(schema, look)
    if not places:
        return []
    place, dropped = rng.choice(places)
    count = 0

    def drop(inner: dict[str, Any]) -> Schema:
        nonlocal count
        count += 1
        if count - 1 != place:
            return inner
        return {word: value for word, value in inner.items() if word != dropped}

    try:
        grammar = compiled(rewritten(schema, drop))
    except SentiricLlamaError:
        return []
    made = [sample(grammar, rng.randrange(2**32), by_mask=False) for _ in range(NUM_TEXTS)]
    values = []
    for one in made:
        try:
            values.append(plain(read(one.text, exact=False)))
        except NotJson:
            continue  # cut off
    return values
