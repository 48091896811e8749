# SPDX-License-Identifier: AGPL-3.0-only
"""Forced text is not sampled: the same text in fewer steps.

Random weights have no preference for the tokenizer's own tokens, which a trained model has. A bias
for the tokens of the keys stands for it: then both ways write the keys in the same tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine_tools import GREEDY, seeded
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.types import Completion, SamplingParams

NAMES = ("customer_identification_number", "preferred_delivery_location", "is_returning_customer")


def closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


SCHEMAS = {
    "constants": closed({name: {"const": name.upper()} for name in NAMES}),
    "choices": closed(
        {
            NAMES[0]: {"type": "integer", "minimum": 100, "maximum": 999},
            NAMES[1]: {"enum": ["the_front_door", "the_post_office_box"]},
            NAMES[2]: {"type": "boolean"},
        }
    ),
    "nested": closed({NAMES[0]: closed({NAMES[1]: closed({NAMES[2]: {"type": "boolean"}})})}),
    "strings": closed({name: {"type": "string", "minLength": 2, "maxLength": 8} for name in NAMES}),
    "characters": closed({"kişisel_görüş_özeti": {"enum": ["çok_güzel", "çok_kötü"]}}),
}


@pytest.fixture(scope="module")
def jumping(tiny_q8_0: Path) -> Iterator[Engine]:
    with Engine(str(tiny_q8_0), contexts=2, context_size=1024, compute_threads=1) as engine:
        yield engine


@pytest.fixture(scope="module")
def plain(tiny_q8_0: Path) -> Iterator[Engine]:
    with Engine(
        str(tiny_q8_0), contexts=2, context_size=1024, compute_threads=1, jump_forward=False
    ) as engine:
        yield engine


def biased(engine: Engine, params: SamplingParams, schema: dict[str, Any]) -> SamplingParams:
    """Prefers the tokens of the schema's words, long ones above all, and no white space."""
    words = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    tokens = {*engine.tokenize(words), *engine.tokenize("{" + words)}
    bias = {t: min(100.0, 20.0 + 8.0 * len(engine.detokenize([t]))) for t in tokens}
    blank = {engine.tokenize(text)[-1] for text in (" ", "\n", "\t")}
    return replace(params, logit_bias=bias | dict.fromkeys(blank, -100.0))


def run(engine: Engine, params: SamplingParams, schema: dict[str, Any]) -> tuple[Completion, int]:
    """With the tokens that were not sampled."""
    before = engine.stats().jumped_tokens
    completion = engine.generate("Answer:", params, json_schema=schema, max_tokens=400)
    return completion, engine.stats().jumped_tokens - before


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("params", [GREEDY, seeded(3)], ids=["greedy", "seeded"])
def test_the_same_text_in_fewer_steps(
    jumping: Engine, plain: Engine, name: str, params: SamplingParams
) -> None:
    schema = SCHEMAS[name]
    wanted = biased(plain, params, schema)
    steps = plain.stats().steps, jumping.stats().steps
    expected, none = run(plain, wanted, schema)
    completion, jumped = run(jumping, wanted, schema)
    assert completion.finish_reason == expected.finish_reason == "stop"
    jsonschema.validate(json.loads(completion.text), schema)
    assert completion.text == expected.text
    assert completion.tokens == expected.tokens
    assert completion.usage == expected.usage
    assert none == 0
    assert jumped >= 5
    saved = (plain.stats().steps - steps[0]) - (jumping.stats().steps - steps[1])
    assert saved == jumped


@pytest.mark.parametrize("name", SCHEMAS)
def test_without_a_preference_the_text_is_still_of_the_schema(jumping: Engine, name: str) -> None:
    jumped = 0
    for seed in range(6):
        completion, count = run(jumping, replace(seeded(seed), top_k=50), SCHEMAS[name])
        jumped += count
        if completion.finish_reason == "stop":
            jsonschema.validate(json.loads(completion.text), SCHEMAS[name])
    assert jumped > 0


def test_logprobs_need_every_row(jumping: Engine) -> None:
    params = replace(GREEDY, top_logprobs=0)
    completion, jumped = run(jumping, params, SCHEMAS["constants"])
    assert jumped == 0
    assert len(completion.logprobs) == len(completion.tokens)


@pytest.mark.parametrize("limit", [1, 2, 5, 9, 14])
def test_a_limit_cuts_the_same_text(jumping: Engine, limit: int) -> None:
    schema = SCHEMAS["constants"]
    params = biased(jumping, GREEDY, schema)
    whole, _ = run(jumping, params, schema)
    cut = jumping.generate("Answer:", params, json_schema=schema, max_tokens=limit)
    assert cut.finish_reason == "length"
    assert cut.usage.completion_tokens == limit
    assert cut.tokens == whole.tokens[:limit]


def test_a_stop_string_in_forced_text(jumping: Engine) -> None:
    schema = SCHEMAS["constants"]
    completion = jumping.generate(
        "Answer:", GREEDY, json_schema=schema, stop=["identification"], max_tokens=400
    )
    assert completion.finish_reason == "stop"
    assert completion.text.endswith("customer_")
