# SPDX-License-Identifier: AGPL-3.0-only
"""Structured output: whatever a model wants to say, what it says follows the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import schema_samples
from engine_tools import GREEDY, seeded, side_by_side
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import InvalidGrammar
from sentiric_llama.types import Completion, Grammar, SamplingParams

NUM_SCHEMAS = 100


def random(seed: int) -> SamplingParams:
    """Open enough to try every way out of a grammar, and quick over a large vocabulary."""
    return replace(seeded(seed), top_k=50)


@pytest.fixture(scope="module")
def small(small_q8_0: Path) -> Iterator[Engine]:
    """Wants nothing in particular, like every model with random weights, and is fast."""
    with Engine(str(small_q8_0), contexts=8, context_size=512, compute_threads=1) as engine:
        yield engine


def check(schema: dict[str, Any], completion: Completion) -> None:
    jsonschema.validate(json.loads(completion.text), schema, cls=jsonschema.Draft202012Validator)


def test_a_hundred_schemas_on_random_weights(small: Engine) -> None:
    def eighth(first: int) -> list[tuple[dict[str, Any], Completion]]:
        results = []
        for number in range(first, NUM_SCHEMAS, 8):
            schema = schema_samples.sample(number)
            jsonschema.Draft202012Validator.check_schema(schema)
            completion = small.generate(
                f"Schema {number}:", random(number), json_schema=schema, max_tokens=400
            )
            results.append((schema, completion))
        return results

    tasks = [lambda first=first: eighth(first) for first in range(8)]
    results = [pair for part in side_by_side(*tasks) for pair in part]
    finished = [pair for pair in results if pair[1].finish_reason == "stop"]
    for schema, completion in finished:
        check(schema, completion)
    assert len(results) == NUM_SCHEMAS
    assert len(finished) >= 0.6 * NUM_SCHEMAS
    assert len({json.dumps(schema) for schema, _ in results}) == NUM_SCHEMAS


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "uuid"},
        {
            "type": "array",
            "prefixItems": [{"const": 1}, {"type": "boolean"}],
            "minItems": 2,
            "items": False,
        },
        {"oneOf": [{"const": "a"}, {"type": "integer", "minimum": 5, "maximum": 7}]},
        {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"enum": ["x", "y"]}}},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 3},
        {"type": "string", "minLength": 5, "maxLength": 5},
        {"type": "integer", "exclusiveMinimum": 10, "exclusiveMaximum": 12},
        {"type": "integer", "minimum": -3, "maximum": 3},
        {"type": "integer", "minimum": -40, "maximum": -4},
        {"type": ["null", "boolean"]},
        {"const": {"a": [1, {"b": "c"}]}},
    ],
    ids=json.dumps,
)
def test_single_features(small: Engine, schema: dict[str, Any]) -> None:
    for seed in range(10):
        completion = small.generate("x", random(seed), json_schema=schema, max_tokens=200)
        assert completion.finish_reason == "stop"
        check(schema, completion)


@pytest.mark.parametrize("bound", [{"maximum": -4}, {"exclusiveMaximum": 0}], ids=json.dumps)
def test_one_negative_bound(small: Engine, bound: dict[str, int]) -> None:
    schema = {"type": "integer", **bound}
    for seed in range(10):
        check(schema, small.generate("x", random(seed), json_schema=schema, max_tokens=60))


def test_a_streamed_answer_is_the_same_text(small: Engine) -> None:
    schema = schema_samples.sample(4)
    whole = small.generate("x", random(4), json_schema=schema, max_tokens=400)
    parts = list(small.stream("x", random(4), json_schema=schema, max_tokens=400))
    assert "".join(delta.text for delta in parts) == whole.text


def test_eight_schemas_beside_eight_free_streams(small_q8_0: Path) -> None:
    """Nobody's text depends on who else is there, nor on which masks are known already."""

    def text_of(engine: Engine, number: int) -> tuple[str, str]:
        options: dict[str, Any] = {"ignore_eos": True}
        if number < 8:
            options = {"json_schema": schema_samples.sample(number)}
        completion = engine.generate(
            f"Request {number}:", random(number), max_tokens=100, **options
        )
        return completion.text, completion.finish_reason

    config: dict[str, Any] = {"context_size": 512, "compute_threads": 1}
    with Engine(str(small_q8_0), contexts=1, **config) as engine:
        alone = [text_of(engine, number) for number in range(16)]
    with Engine(str(small_q8_0), contexts=16, **config) as engine:
        together = side_by_side(*(partial(text_of, engine, number) for number in range(16)))
        again = side_by_side(*(partial(text_of, engine, number) for number in range(16)))
    assert together == alone == again
    assert len(set(alone)) == 16


def test_json_object_is_any_object(small: Engine) -> None:
    texts = set()
    for seed in range(30):
        completion = small.generate(
            "x", random(seed), grammar=Grammar("json_object"), max_tokens=150
        )
        assert completion.text.startswith("{")
        if completion.finish_reason == "stop":
            assert isinstance(json.loads(completion.text), dict)
        texts.add(completion.text)
    assert len(texts) > 10


def test_the_guide_fills_a_schema(guide: Engine) -> None:
    schema = {
        "type": "object",
        "properties": {"port": {"type": "integer", "minimum": 1, "maximum": 65535}},
        "required": ["port"],
        "additionalProperties": False,
    }
    question = [{"role": "user", "content": "What port is the HTTP API on?"}]
    completion = guide.chat(question, GREEDY, json_schema=schema, max_tokens=100)
    assert completion.finish_reason == "stop"
    check(schema, completion)


def test_a_compiled_schema_is_kept(small: Engine) -> None:
    schema = {"type": "object", "properties": {"only here": {"const": 4711}}}
    before = small.stats()
    for _ in range(3):
        small.generate("x", GREEDY, json_schema=schema, max_tokens=3)
    after = small.stats()
    assert after.grammar_cache_misses == before.grammar_cache_misses + 1
    assert after.grammar_cache_hits == before.grammar_cache_hits + 2


@pytest.mark.parametrize(
    "schema",
    [{"const": float("nan")}, {"const": object()}, {"const": "\ud800"}, {1: {2: {3, 4}}}],
    ids=["nan", "object", "surrogate", "set"],
)
def test_what_is_no_json_is_refused(small: Engine, schema: dict[Any, Any]) -> None:
    with pytest.raises(InvalidGrammar):
        small.generate("x", GREEDY, json_schema=schema, max_tokens=5)
